"""Texts with planted personal items and with near misses, English and Chinese, from a seed: what benchmarks/privacy.py judges.

No item is anybody's: numbers are drawn, with right check digits, or with wrong ones for the near misses.
"""
import random
import string
from dataclasses import dataclass

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

EN = ("Please call me back on {}.", "My details: {}, thanks", "I wrote from {} last week and nobody answered", "{} is what I gave you",
      "Order arrived late, reach me at {} or not at all.", "Why does your form refuse {}?", "it says: {} - what now", "({}) is wrong")
ZH = (
    "请联系我：{}，谢谢", "我的信息是{}，请尽快处理", "上周用{}登记的，没人回复",
    "系统不接受{}，怎么办？", "订单迟了，{}可以找到我。", "（{}）写错了")
CONTEXT = {
    "passport": ("passport {}", "my passport number is {}", "护照{}", "护照号 {}"),
    "licence": ("driving licence {}", "driver's license {}", "驾照{}"),
    "us_ssn": ("SSN {}", "social security number {}"), "card": ("card {}", "卡号{}", "{}"), "iban": ("IBAN {}", "{}"),
    "secret": ("my password is {}", "password: {}", "密码是{}", "PIN: {}"), "key": ("token {}", "{}"), "cn_id": ("身份证{}", "ID {}", "{}"),
    "phone": ("{}", "tel {}", "电话{}", "手机{}"), "email": ("{}", "mail {}"), "handle": ("{}",),
    "ip": ("{}", "IP {}"), "mac": ("{}", "MAC {}"),
    "secret_link": ("{}", "see {}")}
NEAR = (   # what looks like something and is nothing, or is not of that kind
    "flight BA2490", "$1,200", "10:20:30", "2026-06-01", "1,234,567 people", "version 10.2.1", "2019-2020", "3.14159265", "room 4711",
    "a well-known-and-rather-long-hyphenated-word", "50% off", "@ 5 pm", "iPhone 15 Pro", "chapter 12.3", "12:34", "C++ :: std",
    "password is required", "the PIN is wrong", "500公里", "第15号", "1.5倍", "2026年6月1日", "下午3:30", "价格299元", "12345",
    "seats 12-14",
    "300.400.1.2", "ratio 16:9:4", "v2.0.1-beta", "www", "e-mail me", "mail@", "the +1 is free")


@dataclass(frozen=True)
class Text:
    """planted: (start, end, kind)."""

    text: str
    planted: tuple


def digits(lots, many):
    """So many of them."""
    return "".join(lots.choices(string.digits, k=many))


def email(lots):
    """Of a name or of letters."""
    name = lots.choice(["jo", "anna.k", "wei", "x_y", "first.last", "li-na"]) + digits(lots, lots.choice([0, 2, 4]))
    return f"{name}@{lots.choice(['mail', 'example', 'qq', 'corp'])}.{lots.choice(['com', 'org', 'co.uk', 'com.cn', 'de'])}"


def phone(lots):
    """International, North American, and of China."""
    return lots.choice([
        lambda: f"+44 20 {digits(lots, 4)} {digits(lots, 4)}", lambda: f"+49{digits(lots, 10)}",
        lambda: f"+86 1{lots.choice('3578')}{digits(lots, 9)}",
        lambda: f"1{lots.choice('356789')}{digits(lots, 9)}", lambda: f"010-{lots.choice('68')}{digits(lots, 7)}",
        lambda: f"({lots.choice('23456789')}{digits(lots, 2)}) {lots.choice('23456789')}{digits(lots, 2)}-{digits(lots, 4)}",
        lambda: f"{lots.choice('23456789')}{digits(lots, 2)}-{lots.choice('23456789')}{digits(lots, 2)}-{digits(lots, 4)}",
        lambda: f"0{lots.choice('1378')}{digits(lots, 2)} {digits(lots, 6)}"])()


def card(lots):
    """With its check digit; spaced, or not."""
    plain = lots.choice(["4", "51", "52", "55"]) + digits(lots, 14)
    plain = plain[:15]
    plain += luhn.calc_check_digit(plain)
    return lots.choice([plain, " ".join(plain[at:at + 4] for at in range(0, 16, 4)), "-".join(plain[at:at + 4] for at in range(0, 16, 4))])


def iban(lots):
    """German or British, with its check digits."""
    country, account = lots.choice([("DE", digits(lots, 18)), ("GB", "NWBK" + digits(lots, 14))])
    check = mod_97_10.calc_check_digits(account + country)
    plain = country + check + account
    return lots.choice([plain, " ".join(plain[at:at + 4] for at in range(0, len(plain), 4))])


def cn_id(lots):
    """Of Beijing, with its check character."""
    body = f"110105{lots.randint(1950, 2005)}{lots.randint(1, 12):02}{lots.randint(1, 28):02}{digits(lots, 3)}"
    total = sum(int(digit) * weight for digit, weight in zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return body + "10X98765432"[total % 11]


def token(lots):
    """Of an API."""
    letters = string.ascii_letters + string.digits
    return lots.choice(["sk_live_", "ghp_", "AKIA", ""]) + "".join(lots.choices(letters, k=14)) + "a1B2c3"


ITEMS = {
    "email": email, "phone": phone, "card": card, "iban": iban, "cn_id": cn_id,
    "us_ssn": lambda lots: f"{lots.choice('1235')}{lots.randint(10, 65)}-{lots.randint(10, 99)}-{lots.randint(1000, 9999)}",
    "passport": lambda lots: lots.choice(["E" + digits(lots, 8), "AB" + digits(lots, 7), "C" + digits(lots, 8)]),
    "licence": lambda lots: lots.choice(["MORGA" + digits(lots, 6) + "SM9IJ", "D" + digits(lots, 7)]),
    "ip": lambda lots: lots.choice([".".join(str(lots.randint(1, 254)) for _ in range(4)), f"2001:db8::{lots.randint(1, 9999)}"]),
    "mac": lambda lots: ":".join(f"{lots.randint(0, 255):02x}" for _ in range(6)),
    "secret_link": lambda lots: f"https://{lots.choice(['a.example', 'shop.example.org'])}/reset?token={token(lots)}",
    "secret": lambda lots: lots.choice(["hunter", "Abc", "qwerty"]) + digits(lots, 3) + lots.choice(["", "!", "#"]), "key": token,
    "handle": lambda lots: "@" + lots.choice(["jo_k", "anna99", "wei.li", "bank_user"])}


def texts(seed, many):
    """Two of three have an item, some of them a near miss too; the others near misses alone."""
    lots = random.Random(seed)
    made = []
    for _ in range(many):
        sentence = lots.choice(lots.choice([EN, ZH]))
        before, _, after = sentence.partition("{}")
        if lots.random() < 2 / 3:
            kind = lots.choice(sorted(ITEMS))
            item = ITEMS[kind](lots)
            said = lots.choice(CONTEXT[kind])
            head = before + said.partition("{}")[0]
            text = head + item + said.partition("{}")[2] + after
            near = f" {lots.choice(NEAR)}" if lots.random() < 0.3 else ""
            made.append(Text(text + near, ((len(head), len(head) + len(item), kind),)))
        else:
            made.append(Text(before + lots.choice(NEAR) + after, ()))
    return made
