"""How a model is to be trained."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.architectures.contract import Architecture
from models.architectures.registry import ARCHITECTURES
from models.preparation.licences import CHOICES


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. tasks: none are all that the architecture has. epochs, rate: None is the architecture's; a rate of 0 looks for one.

    patience: epochs without a better dev score after which it ends; 0: never. class_weights: whether every class counts alike.
    teachers: a folder of vectors (models.teachers). licences: of the rows that are trained on (models.preparation.licences.CHOICES).
    """

    architecture: str = "cnn"
    tasks: tuple[str, ...] = ()
    epochs: int | None = None
    seed: int = 7
    rate: float | None = None
    patience: int = 3
    class_weights: bool = False
    teachers: Path | None = None
    licences: str = CHOICES[0]

    def of(self) -> Architecture:
        """The architecture, with these settings in its recipe."""
        found = ARCHITECTURES[self.architecture]
        recipe = replace(found.recipe, epochs=self.epochs or found.recipe.epochs, rate=self.rate or found.recipe.rate)
        return replace(found, recipe=recipe, tasks=self.tasks or found.tasks)

    @property
    def identity(self) -> dict[str, str]:
        """What another run has to share to go on from this one's state."""
        return {name: str(getattr(self, name)) for name in self.__dataclass_fields__}

    def options(self, architecture: Architecture) -> dict[str, Any]:
        """As a command line names them; empty where they are left out."""
        return {
            "epochs": architecture.recipe.epochs, "seed": self.seed, "learning-rate": "" if self.rate is None else self.rate or "search",
            "patience": self.patience, "class-weights": "balanced" if self.class_weights else "",
            "licences": "" if self.licences == CHOICES[0] else self.licences}


def state_of(out: Path) -> Path:
    """The file that keeps the state of the training run for a model folder, until that is written."""
    return out.with_name(f".{out.name}.training.npz")
