"""The label spaces that every data set is mapped to: sentiment, one bilingual list of topics, entity types.

Topics are what a text is about, in words that fit tickets, reviews and posts in English and Chinese alike. What belongs to
each, and from which sets it comes, is in docs/data.md, which a test compares with this file.
"""

SENTIMENT_OF = {"neg": "negative", "neu": "neutral", "pos": "positive"}

TOPICS = (
    "account",
    "assistant",
    "banking",
    "cards",
    "computers",
    "education",
    "entertainment",
    "fees_and_exchange",
    "finance",
    "food",
    "for_sale",
    "games",
    "health",
    "home",
    "payments",
    "politics",
    "realty",
    "religion",
    "science",
    "security",
    "society",
    "sports",
    "top_up",
    "transfers",
    "travel",
    "utility",
    "vehicles",
    "work",
    "other",
)

TOPIC_NAMES = {
    "account": ("account", "账户"),
    "assistant": ("assistant", "助手"),
    "banking": ("banking", "银行业务"),
    "cards": ("cards", "银行卡"),
    "computers": ("computers", "电脑"),
    "education": ("education", "教育"),
    "entertainment": ("entertainment", "娱乐"),
    "fees_and_exchange": ("fees and exchange", "费用与汇率"),
    "finance": ("finance", "财经"),
    "food": ("food", "餐饮"),
    "for_sale": ("for sale", "转让"),
    "games": ("games", "游戏"),
    "health": ("health", "健康"),
    "home": ("home", "家居"),
    "payments": ("payments", "支付"),
    "politics": ("politics", "政治"),
    "realty": ("realty", "房产"),
    "religion": ("religion", "宗教"),
    "science": ("science", "科技"),
    "security": ("security", "安全"),
    "society": ("society", "社会"),
    "sports": ("sports", "体育"),
    "top_up": ("top-up", "充值"),
    "transfers": ("transfers", "转账"),
    "travel": ("travel", "旅行"),
    "utility": ("utility", "实用"),
    "vehicles": ("vehicles", "汽车"),
    "work": ("work", "工作"),
    "other": ("other", "其他"),
}
"""What a topic is called in English and in Chinese, as on the page."""

_SUPPORT_GROUPS = {
    "cards": """activate_my_card apple_pay_or_google_pay card_about_to_expire card_acceptance card_arrival
        card_delivery_estimate card_linking card_not_working card_swallowed compromised_card contactless_not_working
        disposable_card_limits get_disposable_virtual_card get_physical_card getting_spare_card getting_virtual_card
        lost_or_stolen_card order_physical_card supported_cards_and_currencies virtual_card_not_working
        visa_or_mastercard""",
    "transfers": """balance_not_updated_after_bank_transfer beneficiary_not_allowed cancel_transfer declined_transfer
        failed_transfer pending_transfer receiving_money transfer_into_account transfer_not_received_by_recipient
        transfer_timing""",
    "top_up": """automatic_top_up balance_not_updated_after_cheque_or_cash_deposit pending_top_up
        top_up_by_bank_transfer_charge top_up_by_card_charge top_up_by_cash_or_cheque top_up_failed top_up_limits
        top_up_reverted topping_up_by_card verify_top_up""",
    "fees_and_exchange": """card_payment_fee_charged card_payment_wrong_exchange_rate cash_withdrawal_charge
        exchange_charge exchange_rate exchange_via_app extra_charge_on_statement fiat_currency_support
        transfer_fee_charged wrong_exchange_rate_for_cash_withdrawal""",
    "payments": """Refund_not_showing_up atm_support card_payment_not_recognised cash_withdrawal_not_recognised
        declined_card_payment declined_cash_withdrawal direct_debit_payment_not_recognised pending_card_payment
        pending_cash_withdrawal request_refund reverted_card_payment? transaction_charged_twice
        wrong_amount_of_cash_received""",
    "account": """age_limit change_pin country_support edit_personal_details lost_or_stolen_phone passcode_forgotten
        pin_blocked terminate_account unable_to_verify_identity verify_my_identity verify_source_of_funds
        why_verify_identity""",
}
SUPPORT_TOPIC_OF = {intent: topic for topic, intents in _SUPPORT_GROUPS.items() for intent in intents.split()}

_CLINC_GROUPS = {
    "auto_and_commute": """current_location directions distance gas gas_type jump_start last_maintenance mpg oil_change_how
        oil_change_when schedule_maintenance tire_change tire_pressure traffic uber""",
    "banking": """account_blocked balance bill_balance bill_due freeze_account interest_rate min_payment order_checks
        pay_bill pin_change report_fraud routing spending_history transactions transfer""",
    "credit_cards": """application_status apr card_declined credit_limit credit_limit_change credit_score damaged_card
        expiration_date improve_credit_score international_fees new_card redeem_rewards
        replacement_card_duration report_lost_card rewards_balance""",
    "home": """calendar calendar_update next_song order order_status play_music reminder reminder_update shopping_list
        shopping_list_update smart_home todo_list todo_list_update update_playlist what_song""",
    "kitchen_and_dining": """accept_reservations calories cancel_reservation confirm_reservation cook_time food_last how_busy
        ingredient_substitution ingredients_list meal_suggestion nutrition_info recipe restaurant_reservation
        restaurant_reviews restaurant_suggestion""",
    "meta": """cancel change_accent change_ai_name change_language change_speed change_user_name change_volume maybe no
        repeat reset_settings sync_device user_name whisper_mode yes""",
    "small_talk": """are_you_a_bot do_you_have_pets fun_fact goodbye greeting how_old_are_you meaning_of_life tell_joke
        thank_you what_are_your_hobbies what_can_i_ask_you what_is_your_name where_are_you_from
        who_do_you_work_for who_made_you""",
    "travel": """book_flight book_hotel car_rental carry_on exchange_rate flight_status international_visa lost_luggage
        plug_type timezone translate travel_alert travel_notification travel_suggestion vaccines""",
    "utility": """alarm calculator date definition find_phone flip_coin make_call measurement_conversion roll_dice
        share_location spelling text time timer weather""",
    "work": """direct_deposit income insurance insurance_change meeting_schedule next_holiday payday pto_balance
        pto_request pto_request_status pto_used rollover_401k schedule_meeting taxes w2""",
}

CLINC_TOPIC_OF = {
    "auto_and_commute": "vehicles",
    "banking": "banking",
    "credit_cards": "cards",
    "home": "home",
    "kitchen_and_dining": "food",
    "meta": "assistant",
    "small_talk": "assistant",
    "travel": "travel",
    "utility": "utility",
    "work": "work",
    "oos": "other",
}

NEWSGROUP_TOPIC_OF = {
    "alt.atheism": "religion",
    "comp.graphics": "computers",
    "comp.os.ms-windows.misc": "computers",
    "comp.sys.ibm.pc.hardware": "computers",
    "comp.sys.mac.hardware": "computers",
    "comp.windows.x": "computers",
    "misc.forsale": "for_sale",
    "rec.autos": "vehicles",
    "rec.motorcycles": "vehicles",
    "rec.sport.baseball": "sports",
    "rec.sport.hockey": "sports",
    "sci.crypt": "security",
    "sci.electronics": "science",
    "sci.med": "health",
    "sci.space": "science",
    "soc.religion.christian": "religion",
    "talk.politics.guns": "politics",
    "talk.politics.mideast": "politics",
    "talk.politics.misc": "politics",
    "talk.religion.misc": "religion",
}

TITLE_TOPIC_OF = {
    "education": "education",
    "entertainment": "entertainment",
    "finance": "finance",
    "game": "games",
    "politics": "politics",
    "realty": "realty",
    "science": "science",
    "society": "society",
    "sports": "sports",
    "stocks": "finance",
}

OUT_OF_SCOPE = "out_of_scope"
INTENTS = (
    OUT_OF_SCOPE,
    *(f"banking77/{name}" for name in sorted(SUPPORT_TOPIC_OF)),
    *(f"clinc150/{name}" for name in sorted(name for names in _CLINC_GROUPS.values() for name in names.split())),
    *(f"newsgroups20/{name}" for name in NEWSGROUP_TOPIC_OF),
    *(f"thucnews/{name}" for name in TITLE_TOPIC_OF),
)
"""The finest labels, as their sets name them. Those of the first two sets are what a customer wants; the others are what posts and
headlines are about, from which such a wish is told apart."""
SCOPES = ("banking77", "clinc150")
"""The sets whose labels are intents."""
_INTENT_SCOPE_OF = {
    "support_intents_en": "banking77", "clinc150_en": "clinc150", "newsgroups20_en": "newsgroups20", "titles_zh": "thucnews"}


def intent_of(data_set: str, label: str) -> str:
    """One of INTENTS, for a label of a data set. Raises KeyError for a set without any."""
    return OUT_OF_SCOPE if label == "oos" else f"{_INTENT_SCOPE_OF[data_set]}/{label}"


def intents_of(data_set: str) -> list[str]:
    """Those that the rows of a data set can have. Raises KeyError for a set without any."""
    scope = _INTENT_SCOPE_OF[data_set]
    return [name for name in INTENTS if scope_of(name) == scope or (name == OUT_OF_SCOPE and scope == "clinc150")]


def scope_of(intent: str) -> str:
    """The set that names it so; empty for OUT_OF_SCOPE."""
    return intent.partition("/")[0] if intent != OUT_OF_SCOPE else ""


ENTITY_TYPES = ("person", "organisation", "location", "product", "work", "group")

ENTITY_TYPE_OF = {
    "person": "person",
    "corporation": "organisation",
    "location": "location",
    "product": "product",
    "creative-work": "work",
    "group": "group",
    "PER": "person",
    "ORG": "organisation",
    "LOC": "location",
    "GPE": "location",
}


def entity_type(tag: str) -> str:
    """The unified type of a source's tag such as B-creative-work or I-GPE.NOM. Raises KeyError for an unknown one."""
    return ENTITY_TYPE_OF[tag[2:].partition(".")[0]]
