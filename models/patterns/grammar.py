"""The patterns, in RE2's syntax, over an alphabet of one byte a character (alphabet.py): # % @ are those
of any width, $ is any currency's sign.

Groups name what is found; behind the words that call for it alone, such as "order", a number is looked at more closely (checks.py).
"""

_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,8})?|\d{1,3}(?:\.\d{3}){0,5},\d\d\b|\d{1,15}(?:\.\d{1,8})?)"
_CODES = "USD|EUR|GBP|CNY|RMB|JPY|HKD|AUD|CHF|INR|KRW|SGD|TWD|NZD|BRL|MXN|ZAR"   # ISO 4217; not those that are words, such as CAD
_SCALE = r"(?: ?(?i:hundred|thousand|million|billion|trillion|mln|mn|bln|bn)\b|[kKmMbB]\b" \
         r"|[多余]? ?[十百千]?[万亿][多余]?|[十百千][多余]?|[多余])"
_UNIT = rf"(?: ?(?:(?i:{_CODES})\b|CAD\b|(?:(?i:US|Canadian|Australian) )?(?i:dollars?|euros?|cents|pence|yuan|yen|quid|bucks)\b" \
        r"|(?i:pounds sterling)\b|元|块钱?|美元|美金|欧元|英镑|日元|港元|港币|韩元|澳元|加元|(?:新)?台币|卢布|卢比|泰铢|人民币|\$\B))"
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"[12]\d{3}"
_NAME = "(?:(?i:jan(?:uary)?|feb(?:ruary)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)" \
        "|Mar(?:ch)?|MAR(?:CH)?|May|MAY)"   # may and march are words too
_NTH = rf"{_DAY}(?:st|nd|rd|th)?"
_CALLED = "(?i:orders?|tickets?|cases?|invoices?|bookings?|tracking|shipments?|parcels?|packages?|references?|ref|confirmation" \
          "|reservations?|claims?|complaints?|requests?|receipts?|transactions?)"
_CODE = r"(?:[A-Za-z]{1,8}[\-_]){0,2}[A-Za-z]{0,8}\d[A-Za-z0-9]*(?:[\-_/][A-Za-z0-9]+)*\b"
_LONG_CODE = r"[A-Z]{0,8}[\-_]?\d[A-Z0-9]{2}[A-Z0-9]*(?:[\-_/][A-Z0-9]+)*\b"
PATTERNS = (
    # A word that says of a number or code that it is one's name. "weak" is without "number" or "#", and may be a quantity.
    rf"\b{_CALLED}(?:(?:[ _\-]?(?i:no|nr|num|number|id|code|ref|reference)){{1,2}}\b\.?(?: (?i:is|was))?[ :=#]{{0,3}}|[ :]{{0,2}}# ?)"
    rf"(?P<order_number>{_CODE})",
    rf"\b{_CALLED}(?: (?i:is|was))?(?:[ :]{{1,3}}|\.)(?P<weak>{_LONG_CODE})",
    rf"(?:[订工运]?单|票|流水|案件)(?:编号|编码|号码|号)[ :=#是为]{{0,3}}(?P<order_number_zh>{_CODE})",
    rf"[订工运]单[ :]{{0,2}}# ?(?P<order_zh>{_CODE})",
    rf"[订工运]单[ :是为]{{0,3}}(?P<weak_zh>{_LONG_CODE})",
    r"(?P<date>" + "|".join((
        *(rf"\b{_YEAR}{mark}{_MONTH}{mark}{_DAY}\b" for mark in (r"-", "/", r"\.")),
        rf"\b\d\d?/\d\d?/(?:{_YEAR}|\d\d)\b", *(rf"\b\d\d?{mark}\d\d?{mark}{_YEAR}\b" for mark in (r"-", r"\.")),
        rf"\b(?:(?:{_YEAR}|\d\d) ?年 ?)?{_MONTH} ?月 ?{_DAY}(?:[\-~]{_DAY})? ?[日号]", rf"\b{_YEAR} ?年 ?{_MONTH} ?月",
        rf"\b{_NTH}[ \-]?(?:of )?{_NAME}\b\.?(?:[, \-]{{1,2}}{_YEAR}\b)?",
        rf"\b{_NAME}\.? ?{_NTH}\b(?:,? {_YEAR}\b)?", rf"\b{_NAME}\.?,? {_YEAR}\b")) + ")",
    rf"(?P<percentage>\b{_NUMBER} ?(?:%|(?i:percent|per cent|pct)\b)"
    rf"|百分之(?:[一二三四五六七八九零〇两几十百千]{{1,9}}(?:点[一二三四五六七八九零〇]{{1,6}})?|{_NUMBER}))",
    rf"(?P<money>(?:(?:\b(?:US|HK|CA|AU|NZ|SG|NT|A|C|S))?\$ ?|\b(?i:{_CODES}) ?|人民币 ?){_NUMBER}{_SCALE}?{_UNIT}?"
    rf"|\b{_NUMBER}{_SCALE}?{_UNIT})",
    r"(?P<hashtag>#[^\s\x00#]+#)",   # as Weibo has it
)
"""Tried from the first to the last at each place. Repetitions are bounded, but in words of one class of characters, whose length is
checked: a bound of 40 is 40 copies, by which the automaton would be slower."""
