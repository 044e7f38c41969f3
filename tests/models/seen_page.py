"""An HTML page as a browser's parser sees it: its elements, attributes and text."""
import html.parser

VOID = ("meta",)   # of those that stand in our pages without />


class SeenPage(html.parser.HTMLParser):
    """tags: in their order. Fails for an element that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def assert_quiet(self) -> None:
        """Nothing is run, and nothing is loaded from elsewhere."""
        assert not {"script", "img", "link", "iframe", "object", "embed", "use", "image", "a", "form"} & {*self.tags}
        names = {name for name, _ in self.attributes}
        assert not {name for name in names if name.startswith("on") or name in ("src", "href", "xlink:href", "style")}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
