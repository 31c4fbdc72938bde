# SPDX-License-Identifier: Apache-2.0
"""Tables as Markdown, and plots as Vega-Lite."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
# Okabe and Ito's colours, which are different to every kind of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999999")


def between(ratio, digits=3):
    return f"{ratio['median']:.{digits}f} ({ratio['low']:.{digits}f} to {ratio['high']:.{digits}f})"


def markdown(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


class Plot:
    """One picture: a Vega-Lite specification, and a sentence for those who do not see it."""

    def __init__(self, name, title, sentence, spec):
        self.name, self.title, self.sentence = name, title, sentence
        self.spec = {"$schema": SCHEMA, "title": title, "description": sentence, "width": 420, "height": 280,
                     "config": {"range": {"category": list(COLOURS)}}, **spec}


def field(name, kind, **more):
    return {"field": name, "type": kind, **more}
