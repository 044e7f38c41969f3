"""English sentences of the sample stream, written for it: source -> topic -> sentiment -> templates with {slots}."""

TICKETS = {
    "card": {
        "negative": (
            "My {product} card was declined at a shop in {city} although I have enough money on it.",
            "Third time this week that the card ending {digits} gets refused. This is embarrassing.",
            "You blocked my card without a word and now I am stuck in {city} with no cash!",
            "There is a payment of {amount} to {org} that I never made. I want it reversed and the card stopped.",
            "I was charged twice, {amount} each time, for one coffee. Nobody at {product} seems to care.",
            "The card reader at {org} says 'issuer unavailable'. I waited {hours} hours and it still fails.",
        ),
        "neutral": (
            "How do I change the PIN of the card ending {digits}?",
            "Could you tell me what the daily limit is when I pay in {city}?",
            "I would like to add a second card for {name} to my account.",
            "When will the new card reach my address in {city}? I ordered it on {weekday}.",
        ),
        "positive": (
            "Thanks, the replacement card came in {days} days and works everywhere in {city}.",
            "Just to say that {name} from your team sorted out my blocked card in minutes. Great service.",
        ),
    },
    "transfer": {
        "negative": (
            "I sent {amount} to {name} {days} days ago and it has not arrived. Where is my money?",
            "The transfer to {org} failed again and the fee was taken anyway. That is not acceptable.",
            "My salary from {org} was due on {weekday} and I still see nothing in {product}.",
            "You put my transfer of {amount} on hold and nobody can tell me why.",
        ),
        "neutral": (
            "What is the fee for sending {amount} to a bank in {city}?",
            "Please confirm the reference {order} for the transfer to {org}.",
            "Can I schedule a transfer to {name} for every {weekday}?",
            "How long does a transfer from {org} normally take?",
        ),
        "positive": (
            "The transfer of {amount} to {name} was there in seconds, very impressed.",
            "Thank you for tracing my payment to {org} so quickly.",
        ),
    },
    "delivery": {
        "negative": (
            "Order {order} was promised for {weekday}. It is {days} days late and tracking shows nothing.",
            "The courier left my parcel in the rain and the box is soaked through. What a mess.",
            "Your driver says that he rang the bell in {city}. He did not, I was at home all day!",
            "Parcel {order} is marked as delivered, but nobody here has seen it.",
            "The box from {product} came torn open and half of it is missing.",
        ),
        "neutral": (
            "Can I change the delivery address of order {order} to {city}?",
            "Please leave parcel {order} with my neighbour {name} on {weekday}.",
            "Which courier do you use in {city}?",
            "Is it possible to collect order {order} at a shop instead?",
        ),
        "positive": (
            "Parcel {order} came a day early and the driver was really kind. Thank you!",
            "Wonderful: {name} called ahead and brought the box right to the third floor.",
        ),
    },
    "refund": {
        "negative": (
            "I returned order {order} {days} days ago and have still not seen my {amount} back.",
            "You promised a refund of {amount} by {weekday}. Do I have to call a lawyer?",
            "The refund is {amount} short and your chat just closes on me. I am furious.",
            "Support at {product} keeps asking for the same receipt. I have sent it {days} times now.",
        ),
        "neutral": (
            "How do I send order {order} back?",
            "I bought it at {org} in {city}. Whom do I ask for a refund?",
            "Does the refund of {amount} go to my card or to the balance?",
        ),
        "positive": (
            "Refund of {amount} received, faster than I expected. Thanks to {name}!",
            "Good to see that returning a thing can be this easy.",
        ),
    },
    "app_crash": {
        "negative": (
            "Since the update {product} crashes every time I open it. I cannot work like this.",
            "The app froze while I was saving and {hours} hours of notes are gone.",
            "{product} closes by itself on the payment page. Please fix this awful bug.",
            "Black screen after the splash, reinstalled {days} times, no luck. Useless.",
        ),
        "neutral": (
            "Which phones does the new version of {product} support?",
            "Where can I find the log file that your colleague {name} asked for?",
            "Does {product} also run on a tablet?",
        ),
        "positive": (
            "The last update fixed the crash for me, thank you for the quick work.",
        ),
    },
    "login": {
        "negative": (
            "I cannot log in, the code by text message never arrives. Locked out for {days} days now!",
            "{product} says that my password is wrong right after I have reset it. Ridiculous.",
            "My account was hacked from {city} and your hotline just hangs up.",
            "The fingerprint login broke again and I am tired of it.",
        ),
        "neutral": (
            "How can I change the e-mail address of my account?",
            "I have a new phone. How do I move my login to it?",
            "Can {name} and I share one account?",
        ),
        "positive": (
            "Login works again, many thanks to {name} for staying on the line.",
        ),
    },
    "battery": {
        "negative": (
            "The battery of my {product} is empty after {hours} hours. It is {days} days old!",
            "My {product} gets so hot while charging that I am afraid to leave it alone.",
            "It no longer charges at all, and the shop in {city} refuses to take it back.",
        ),
        "neutral": (
            "Which charger do you recommend for the {product}?",
            "How many hours should the {product} last on one charge?",
        ),
        "positive": (
            "The new battery that you sent lasts two days, I am happy with it.",
        ),
    },
}

REVIEWS = {
    "battery": {
        "negative": (
            "Battery life is a joke. {hours} hours and it is dead.",
            "Nice screen, but the {product} heats up like a stove and drains in no time.",
            "After {days} days the battery already swells. Stay away.",
            "Bought it for travelling to {city}; I spent the whole trip looking for a socket. Disappointed.",
        ),
        "neutral": (
            "It lasts about {hours} hours. Average for this size.",
            "Charging takes {hours} hours with the cable in the box.",
        ),
        "positive": (
            "The battery of the {product} just goes on and on. Two full days in {city} without a charger!",
            "Charges in under an hour and stays cool. Best phone I have had.",
            "Light, fast, and the battery is excellent. Worth the {amount}.",
        ),
    },
    "hotel": {
        "negative": (
            "The room at {product} in {city} smelled of smoke and the shower was cold. Never again.",
            "We waited {hours} hours for check-in and nobody said sorry.",
            "Thin walls, dirty carpet, breakfast gone by nine. For {amount} a night this is robbery.",
            "They had lost our booking, and the manager, a {name}, was rude about it.",
            "Stains on the sheets and noise from the street all night.",
        ),
        "neutral": (
            "Standard business hotel near the station of {city}. Breakfast from seven.",
            "We stayed {days} nights. The room was small, the bed was fine.",
            "Ten minutes on foot to the offices of {org}.",
        ),
        "positive": (
            "Lovely staff, spotless room, and a view over {city} that we will not forget.",
            "{name} at the desk upgraded us for free. What a delightful stay!",
            "Quiet, comfortable, superb breakfast. We will come back to {product}.",
            "The pool is gorgeous and the beds are the best in {city}.",
        ),
    },
    "film": {
        "negative": (
            "'{film}' is two hours of my life that I will not get back. Dull from start to end.",
            "A thin plot, wooden actors. Even {name} could not save '{film}'.",
            "I fell asleep in the second act. What a waste of a good cast.",
            "The ending of '{film}' makes no sense and the jokes are painful.",
        ),
        "neutral": (
            "'{film}' was shot in {city} and runs for two hours.",
            "The sequel to '{film}' starts on {weekday}.",
            "Neither good nor bad; '{film}' is what you expect from {org}.",
        ),
        "positive": (
            "'{film}' had me in tears. {name} gives the performance of a lifetime.",
            "Smart, funny and beautifully shot. I watched it twice on {product}.",
            "The best thing to come out of {org} in years.",
            "A warm, gripping story, and the music is fantastic.",
        ),
    },
    "food": {
        "negative": (
            "The {dish} arrived cold and the soup had leaked into the bag. Awful.",
            "Found a hair in my {dish}. {product} offered me a voucher of {amount}. No thanks.",
            "Tiny portion, greasy, far too salty. The {dish} in {city} used to be better.",
            "We waited {hours} hours for a {dish} that tasted of cardboard.",
        ),
        "neutral": (
            "Ordered the {dish}; it comes with rice and a drink for {amount}.",
            "They open at eleven on {weekday} and deliver to all of {city}.",
        ),
        "positive": (
            "The {dish} is heavenly, crisp and fresh. My new favourite in {city}!",
            "Hot, generous and on time. Compliments to the kitchen.",
            "Best {dish} I have ever had, and {name} the rider was so friendly.",
        ),
    },
    "delivery": {
        "negative": (
            "{product} lost my parcel and then blamed me. One star is too many.",
            "A week late, a crushed box, no apology.",
            "They delivered to the wrong house in {city}. Terrible.",
        ),
        "neutral": (
            "Delivered on {weekday} as announced, {days} days after the order.",
            "The parcel was left at the shop on the corner.",
        ),
        "positive": (
            "Super fast! Ordered on {weekday}, here the next morning.",
            "Careful packing, punctual driver, I can only recommend {product}.",
            "Every parcel so far came on time. Love it.",
        ),
    },
    "app_crash": {
        "negative": (
            "Crashes all the time. Uninstalled.",
            "Since the new version {product} is slow, buggy and full of ads. Hate it.",
            "It ate my notes twice. I do not trust it any more.",
        ),
        "neutral": (
            "The new version asks for more permissions than the old one.",
            "Works offline. Sync takes a moment.",
        ),
        "positive": (
            "Clean, quick, never crashed on me. {product} is a gem.",
            "I use it every day for my work at {org}. Great app!",
            "Finally an app that just works. Thank you.",
        ),
    },
}

POSTS = {
    "card": {
        "negative": (
            "so {product} declines my card AGAIN in the middle of the supermarket. thanks for nothing",
            "anyone else with broken {product} payments in {city} today? this is a disaster",
            "{product} blocked {name}'s card on holiday. unbelievable",
        ),
        "neutral": (
            "does the {product} card work in {city}?",
            "{org} now takes {product} at the counter",
        ),
        "positive": (
            "paid for everything in {city} with my {product} card, zero fees. love it",
        ),
    },
    "delivery": {
        "negative": (
            "day {days} of waiting for my {product} parcel. I could have walked to {city} and back",
            "@{product} where is order {order}?? worst delivery ever",
            "the {product} van just threw my box over the fence, nice one",
        ),
        "neutral": (
            "{product} is hiring drivers in {city}, starts {weekday}",
            "new {product} lockers next to {org}",
        ),
        "positive": (
            "shout-out to {name} from {product}, who carried a fridge up four floors",
            "ordered last night, here at breakfast. {product} is amazing",
        ),
    },
    "film": {
        "negative": (
            "just watched '{film}' on {product} and wow, that was bad",
            "{product} cancelled '{film}' after one season. I am so angry",
            "{product} keeps buffering during the best scene, argh",
        ),
        "neutral": (
            "'{film}' premieres in {city} on {weekday}",
            "{name} is said to be in talks with {org} for '{film}'",
        ),
        "positive": (
            "'{film}' is a masterpiece, go and see it!",
            "crying over '{film}' with {name}, what a beautiful film",
        ),
    },
    "food": {
        "negative": (
            "{product} brought me a {dish} without the {dish}. how?",
            "never order the {dish} on {product}. my stomach hurts",
        ),
        "neutral": (
            "where do you get a good {dish} in {city}?",
            "{dish} for lunch at {org} with {name}",
        ),
        "positive": (
            "that {dish} from {product} was SO good",
            "{city} has the best {dish}, fight me",
        ),
    },
    "app_crash": {
        "negative": (
            "{product} is down again?? I have a deadline on {weekday}",
            "update broke {product} for everyone at {org}. great job",
        ),
        "neutral": (
            "{product} has a new icon",
            "{org} moved all its meeting notes to {product}",
        ),
        "positive": (
            "the new {product} is so smooth, well done",
        ),
    },
    "hotel": {
        "negative": (
            "no hot water at {product} {city}. paid {amount} for this misery",
        ),
        "neutral": (
            "checking in at {product} {city} with {name}",
        ),
        "positive": (
            "woke up to this view of {city} at {product}. pure happiness",
        ),
    },
}

SLOTS = {
    "name": ("Anna Keller", "Tom Becker", "Maria Lopez", "James Wright", "Sofia Rossi", "Liam Murphy", "Emily Carter",
             "Daniel Novak", "Grace Thompson", "Omar Haddad", "Priya Nair", "Lucas Martin", "Chloe Evans", "Peter Lang",
             "Nina Petrova", "Samuel Osei", "Hannah Schmidt", "David Cohen", "Laura Jensen", "Kenji Mori"),
    "city": ("London", "Berlin", "Paris", "Madrid", "Chicago", "Toronto", "Dublin", "Vienna", "Boston", "Sydney",
             "Lisbon", "Prague", "Oslo", "Seattle", "Manchester", "Singapore"),
    "org": ("Halvorsen Foods", "Brightwater Bank", "Northgate University", "Ostrava Motors", "Kestrel Airlines",
            "Pinecrest Hospital", "Marlow & Finch", "Tidewater Energy", "Copperfield Studios", "Solena Software"),
    "film": ("The Glass Orchard", "Harbour of Ash", "Nine Quiet Rooms", "Paper Comets", "The Last Tramline",
             "A Winter for Two", "Saltwater Kings", "Midnight at Orrin's"),
    "dish": ("noodle soup", "margherita pizza", "beef burger", "green curry", "chicken wrap", "sushi box",
             "lentil stew", "dumpling set", "fish taco"),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "amount": tuple(f"{sign}{value}" for sign in "$€£" for value in (5, 12, 18, 25, 39, 60, 85, 120, 240, 399, 750)),
}

EMOJI = {
    "negative": ("😡", "😞", "👎", "😭", "🤦", "😤"),
    "neutral": ("🤔", "👀", "📌", "🙂"),
    "positive": ("😍", "👍", "🎉", "😊", "❤️", "🔥"),
}
