"""Chinese sentences of the sample stream, written for it: source -> topic -> sentiment -> templates with {slots}."""

TICKETS = {
    "card": {
        "negative": (
            "我的{product}卡在{city}刷不了，余额明明够，太尴尬了。",
            "尾号{digits}的卡这周第三次被拒，你们到底管不管？",
            "卡里莫名其妙少了{amount}，商户写的是{org}，我根本没去过！",
            "一笔消费扣了我两次{amount}，客服一直让我等，气死了。",
            "你们无缘无故冻结我的卡，我人在{city}，身上一分钱都没有。",
        ),
        "neutral": (
            "请问尾号{digits}的卡怎么修改密码？",
            "在{city}刷卡每天的限额是多少？",
            "我想给{name}办一张附属卡，需要什么材料？",
        ),
        "positive": (
            "新卡{days}天就寄到了，在{city}用着很顺，谢谢。",
            "感谢客服{name}，几分钟就帮我解冻了，服务真好。",
        ),
    },
    "transfer": {
        "negative": (
            "{days}天前给{name}转了{amount}，到现在还没到账，钱去哪了？",
            "给{org}的转账又失败了，手续费照扣，太过分了。",
            "{weekday}就该到的工资现在都没看到，{product}怎么回事？",
        ),
        "neutral": (
            "往{city}的银行转{amount}要多少手续费？",
            "能不能设置每个{weekday}自动给{name}转账？",
            "请帮我查一下流水号{order}的转账状态。",
        ),
        "positive": (
            "给{name}转的{amount}几秒就到了，非常满意。",
        ),
    },
    "delivery": {
        "negative": (
            "订单{order}说好{weekday}送到，晚了{days}天，物流一点更新都没有。",
            "快递员把包裹扔在门口淋雨，箱子全湿了，太差劲。",
            "显示已签收，可是我根本没收到包裹{order}！",
            "包裹被拆开过，里面少了一半东西，必须给个说法。",
        ),
        "neutral": (
            "订单{order}的收货地址能改到{city}吗？",
            "包裹{order}请放在邻居{name}那里。",
            "你们在{city}用的是哪家快递？",
        ),
        "positive": (
            "包裹提前一天到了，快递小哥态度特别好，点赞！",
        ),
    },
    "refund": {
        "negative": (
            "退货都{days}天了，{amount}还没退给我，骗子！",
            "说好{weekday}退款，一拖再拖，我要投诉。",
            "退款少了{amount}，客服聊两句就把对话关了，非常生气。",
        ),
        "neutral": (
            "订单{order}怎么申请退货？",
            "退的{amount}是回到卡里还是余额？",
        ),
        "positive": (
            "{amount}退款当天就到账了，谢谢{name}。",
        ),
    },
    "app_crash": {
        "negative": (
            "更新以后{product}一打开就闪退，完全没法用。",
            "保存的时候卡死了，写了{hours}个小时的笔记全没了，崩溃。",
            "付款页面一直白屏，重装了好几次都没用，烦死了。",
        ),
        "neutral": (
            "新版{product}支持平板吗？",
            "{name}让我提供日志，在哪里可以找到？",
        ),
        "positive": (
            "最新版本修好了闪退，反应很快，谢谢你们。",
        ),
    },
    "login": {
        "negative": (
            "一直收不到验证码，登录不了已经{days}天了！",
            "刚重置的密码又说错误，{product}太离谱了。",
            "账号在{city}被人登录了，热线打不通，急死我了。",
        ),
        "neutral": (
            "换了新手机，账号怎么迁移？",
            "怎么修改注册邮箱？",
        ),
        "positive": (
            "终于能登录了，谢谢{name}耐心地帮我处理。",
        ),
    },
    "battery": {
        "negative": (
            "{product}才用了{days}天，充满电{hours}个小时就没了。",
            "充电的时候烫得吓人，我都不敢放着不管。",
        ),
        "neutral": (
            "{product}用哪种充电器比较合适？",
        ),
        "positive": (
            "换的新电池能用两天，很满意。",
        ),
    },
}

REVIEWS = {
    "battery": {
        "negative": (
            "续航太差，{hours}个小时就关机，后悔买了。",
            "屏幕不错，但是发热严重，电掉得飞快。",
            "去{city}出差，一路都在找插座，失望。",
        ),
        "neutral": (
            "充满电大概用{hours}个小时，中规中矩。",
        ),
        "positive": (
            "续航超强，在{city}玩了两天都没充电！",
            "充电快又不烫，{amount}很值。",
            "轻薄流畅，电池给力，推荐{product}。",
        ),
    },
    "hotel": {
        "negative": (
            "{city}的{product}房间一股烟味，热水忽冷忽热，再也不来了。",
            "办入住等了{hours}个小时，连句道歉都没有。",
            "隔音很差，地毯很脏，{amount}一晚简直是抢钱。",
            "床单上有污渍，一晚上没睡好。",
        ),
        "neutral": (
            "离{city}火车站不远，早餐七点开始。",
            "住了{days}晚，房间不大，走路十分钟到{org}。",
        ),
        "positive": (
            "服务热情，房间一尘不染，能看到整个{city}的夜景。",
            "前台{name}给我们免费升了房，太贴心了！",
            "安静舒适，早餐丰富，下次还住{product}。",
        ),
    },
    "film": {
        "negative": (
            "《{film}》又长又闷，看到一半睡着了。",
            "剧情漏洞百出，{name}也救不了这部烂片。",
            "结尾莫名其妙，浪费了这么好的演员。",
        ),
        "neutral": (
            "《{film}》在{city}取景，片长两小时。",
            "《{film}》的续集{weekday}上线。",
        ),
        "positive": (
            "《{film}》看哭了，{name}的演技太好了。",
            "画面美，节奏好，已经在{product}上看了两遍。",
            "今年最好看的国产片，配乐也很棒。",
        ),
    },
    "food": {
        "negative": (
            "{dish}送来都凉了，汤洒了一袋子，差评。",
            "{dish}里吃出一根头发，恶心。",
            "分量少，又油又咸，不会再点了。",
        ),
        "neutral": (
            "点了{dish}，{amount}一份，配米饭和饮料。",
        ),
        "positive": (
            "{dish}太好吃了，料足味道正，{city}第一！",
            "送得快，还是热的，骑手{name}也很有礼貌。",
        ),
    },
    "delivery": {
        "negative": (
            "{product}把我的包裹弄丢了还不承认，一星都嫌多。",
            "晚到一个星期，盒子压扁了，没人道歉。",
        ),
        "neutral": (
            "{weekday}送到，下单后{days}天。",
        ),
        "positive": (
            "物流很快，{weekday}下单第二天就到。",
            "包装仔细，准时送达，值得信赖。",
        ),
    },
    "app_crash": {
        "negative": (
            "老是闪退，卸载了。",
            "新版本又卡又多广告，越更新越难用。",
        ),
        "neutral": (
            "可以离线使用，同步要等一会儿。",
        ),
        "positive": (
            "界面干净，从来没闪退过，{product}真好用。",
            "在{org}上班每天都用，五星好评。",
        ),
    },
}

POSTS = {
    "card": {
        "negative": (
            "{product}又刷不了卡，排了半天队，无语",
            "{city}还有谁的{product}付不了款？今天真倒霉",
        ),
        "neutral": (
            "{product}的卡在{city}能用吗",
            "{org}现在可以用{product}付款了",
        ),
        "positive": (
            "在{city}全程刷{product}，一点手续费都没有，爱了",
        ),
    },
    "delivery": {
        "negative": (
            "等{product}的包裹等了{days}天，我走都走到{city}了",
            "{product}的快递员直接把箱子扔过墙，服了",
        ),
        "neutral": (
            "{product}在{city}招司机，{weekday}开始",
        ),
        "positive": (
            "昨晚下单今早就到，{product}太厉害了",
        ),
    },
    "film": {
        "negative": (
            "刚看完《{film}》，真的难看",
            "{product}放到精彩的地方就卡，气人",
        ),
        "neutral": (
            "《{film}》{weekday}在{city}首映",
            "听说{name}要和{org}合作拍《{film}》",
        ),
        "positive": (
            "《{film}》封神了，快去看！",
        ),
    },
    "food": {
        "negative": (
            "千万别在{product}点{dish}，吃完肚子疼",
        ),
        "neutral": (
            "{city}哪里有好吃的{dish}？",
        ),
        "positive": (
            "今天的{dish}绝了，幸福",
        ),
    },
    "app_crash": {
        "negative": (
            "{product}又崩了，我{weekday}要交稿啊",
        ),
        "neutral": (
            "{product}换新图标了",
        ),
        "positive": (
            "新版{product}好流畅，给个赞",
        ),
    },
    "hotel": {
        "negative": (
            "{city}{product}没有热水，{amount}白花了",
        ),
        "neutral": (
            "和{name}入住{city}{product}",
        ),
        "positive": (
            "在{product}醒来看到{city}的日出，太幸福了",
        ),
    },
}

SLOTS = {
    "name": ("王丽", "李明", "张伟", "刘洋", "陈静", "杨帆", "赵敏", "黄磊", "周婷", "吴强", "徐慧", "孙浩", "马晓红",
             "朱建国", "林志远", "何雨"),
    "city": ("北京", "上海", "广州", "深圳", "成都", "杭州", "南京", "武汉", "西安", "重庆", "厦门", "青岛"),
    "org": ("海蓝银行", "星河科技", "东湖大学", "青峰航空", "明远医院", "光谷能源", "新桥影业", "锦绣食品"),
    "film": ("雨巷尽头", "风从海上来", "第九个房间", "纸月亮旅馆", "夏天的电车", "盐湖之王"),
    "dish": ("牛肉面", "麻辣香锅", "红烧排骨", "小笼包", "酸菜鱼", "黄焖鸡", "煎饺", "鸡腿饭"),
    "weekday": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "amount": tuple(f"{value}元" for value in (9, 15, 28, 45, 66, 88, 120, 199, 360, 520, 899, 1500)),
}

EMOJI = {
    "negative": ("😡", "😭", "👎", "🙄", "💢"),
    "neutral": ("🤔", "👀", "📌"),
    "positive": ("😍", "👍", "🎉", "❤️", "🥰"),
}
