"""The names of topics and of types of entities that the models give (models/taxonomy.py), in English and Chinese."""
from collections.abc import Callable

VALUES: dict[str, tuple[str, str]] = {
    "topic account": ("account", "账户"),
    "topic assistant": ("assistant", "助手"),
    "topic banking": ("banking", "银行业务"),
    "topic cards": ("cards", "银行卡"),
    "topic computers": ("computers", "电脑"),
    "topic education": ("education", "教育"),
    "topic entertainment": ("entertainment", "娱乐"),
    "topic fees_and_exchange": ("fees and exchange", "费用与汇率"),
    "topic finance": ("finance", "财经"),
    "topic food": ("food", "餐饮"),
    "topic for_sale": ("for sale", "转让"),
    "topic games": ("games", "游戏"),
    "topic health": ("health", "健康"),
    "topic home": ("home", "家居"),
    "topic payments": ("payments", "支付"),
    "topic politics": ("politics", "政治"),
    "topic realty": ("realty", "房产"),
    "topic religion": ("religion", "宗教"),
    "topic science": ("science", "科技"),
    "topic security": ("security", "安全"),
    "topic society": ("society", "社会"),
    "topic sports": ("sports", "体育"),
    "topic top_up": ("top-up", "充值"),
    "topic transfers": ("transfers", "转账"),
    "topic travel": ("travel", "旅行"),
    "topic utility": ("utility", "实用"),
    "topic vehicles": ("vehicles", "汽车"),
    "topic work": ("work", "工作"),
    "topic other": ("other", "其他"),
    "type person": ("person", "人物"),
    "type organisation": ("organisation", "机构"),
    "type location": ("location", "地点"),
    "type product": ("product", "产品"),
    "type work": ("work", "作品"),
    "type group": ("group", "团体"),
    "type hashtag": ("hashtag", "话题标签"),
}


def name_of(dimension: str, value: str, t: Callable[..., str]) -> str:
    """What the page calls a value of a dimension: what nobody has a name for is its own name."""
    if dimension == "entity":
        kind, tab, text = value.partition("\t")
        return f"{name_of('type', kind, t)} {text}" if tab else value
    key = f"{dimension} {value}"
    return t(key) if key in VALUES else value or t("none")
