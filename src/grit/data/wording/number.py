"""Singular and plural of English nouns."""

_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot",
    "teeth": "tooth", "geese": "goose", "mice": "mouse", "oxen": "ox", "dice": "die",
    "knives": "knife", "wives": "wife", "lives": "life", "leaves": "leaf", "loaves": "loaf",
    "shelves": "shelf", "scarves": "scarf", "halves": "half", "calves": "calf",
    "wolves": "wolf", "hooves": "hoof", "thieves": "thief", "skis": "ski", "taxis": "taxi",
    "kiwis": "kiwi", "lenses": "lens", "canvases": "canvas", "movies": "movie",
    "cookies": "cookie", "brownies": "brownie", "selfies": "selfie", "hoodies": "hoodie",
    "smoothies": "smoothie", "doggies": "doggie", "birdies": "birdie", "zombies": "zombie",
    "ties": "tie", "pies": "pie", "quizzes": "quiz", "cacti": "cactus", "octopi": "octopus",
    "gases": "gas",
}  # fmt: skip
_PLURALS = {singular: plural for plural, singular in _IRREGULAR.items()}
_ONLY_PLURAL = {
    "scissors", "pants", "jeans", "shorts", "trousers", "leggings", "pajamas", "tights",
    "sunglasses", "eyeglasses", "goggles", "binoculars", "headphones", "earphones", "pliers",
    "tweezers", "tongs", "clothes", "stairs", "remains",
}  # fmt: skip
_SAME = {
    "sheep", "deer", "fish", "moose", "bison", "shrimp", "salmon", "aircraft", "spacecraft",
    "watercraft", "hovercraft", "species", "series", "means", "corn", "fruit", "broccoli",
}  # fmt: skip
_WITH_OES = {"tomato", "potato", "mango", "hero", "echo", "buffalo", "volcano", "mosquito"}
_NOT_MEN = {"specimen", "abdomen", "omen", "stamen", "acumen", "regimen", "ramen"}


def singular(word: str) -> str:
    """The singular of a noun; the word itself if it is not a plural."""
    lower = word.lower()
    if lower in _IRREGULAR:
        return _IRREGULAR[lower]
    if lower in _ONLY_PLURAL or lower in _SAME:
        return word
    if lower.endswith("men") and lower not in _NOT_MEN:  # fishermen, snow-women
        return word[:-2] + "an"
    if not lower.endswith("s") or lower.endswith(("ss", "us", "is", "gas", "lens", "canvas")):
        return word
    if lower.endswith("ies") and len(lower) > 4:
        return word[:-3] + "y"
    sibilant = lower.endswith(("sses", "shes", "ches", "xes", "uses"))
    if sibilant and not lower.endswith("ouses"):  # glasses, dishes, boxes, buses; but houses
        return word[:-2]
    if lower.endswith("oes") and lower[:-2] in _WITH_OES:
        return word[:-2]
    return word[:-1] if len(word) > 2 else word


def plural(word: str) -> str:
    """The plural of a noun; the word itself if it is a plural already."""
    lower = word.lower()
    if lower in _PLURALS:
        return _PLURALS[lower]
    if is_plural(word) or lower in _SAME:
        return word
    if lower.endswith("man"):
        return word[:-2] + "en"
    if lower.endswith("y") and lower[-2:-1] not in {*"aeiou", ""}:
        return word[:-1] + "ies"
    sibilant = lower.endswith(("s", "sh", "ch", "x", "z")) or lower in _WITH_OES
    return word + ("es" if sibilant else "s")


def is_plural(word: str) -> bool:
    """Whether a noun has the form of a plural."""
    return word.lower() in _ONLY_PLURAL or singular(word) != word
