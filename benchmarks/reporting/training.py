# SPDX-License-Identifier: Apache-2.0
"""Sections of `bench scaling` and `bench step`: (title, Markdown, plots) of a file's rounds and tables."""

from reporting.plots import Plot, between, field, markdown

PARTS = ("data wait", "load", "forward", "backward", "wait", "optimizer", "other")


def efficiency_plot(rows):
    points = [{"ranks": row["ranks"], "mode": row["mode"], "class": row["class"],
               **{key: row["factors"]["efficiency"][key] for key in ("median", "low", "high")}} for row in rows]
    bounds = [{"ranks": row["ranks"], "bound": row.get("bound_of_efficiency", 1)} for row in rows]
    ranks = field("ranks", "ordinal", title="ranks")
    colour, shape = field("mode", "nominal", title="mode"), field("class", "nominal", title="class")
    last = points[-1]
    return Plot("efficiency", "Efficiency by ranks",
                f"{last['mode']} scaling on {last['ranks']} ranks has an efficiency of {last['median']:.3f}, "
                f"{last['class']}.",
                {"layer": [
                    {"data": {"values": bounds}, "mark": {"type": "tick", "color": "#999999", "thickness": 2},
                     "encoding": {"x": ranks, "y": field("bound", "quantitative", title="efficiency; grey: the bound",
                                                         scale={"domainMin": 0})}},
                    {"data": {"values": points}, "mark": "rule",
                     "encoding": {"x": ranks, "y": field("low", "quantitative"), "y2": {"field": "high"},
                                  "color": colour, "xOffset": {"field": "mode"}}},
                    {"data": {"values": points}, "mark": {"type": "point", "filled": True, "size": 70},
                     "encoding": {"x": ranks, "y": field("median", "quantitative"), "color": colour, "shape": shape,
                                  "xOffset": {"field": "mode"}}}]})


def factors_plot(rows):
    values = [{"point": f"{row['mode']}, {row['ranks']}", "cause": cause, **row["factors"][cause]}
              for row in rows if row["ranks"] > 1 for cause in ("batch", "share", "averaging")]
    if not values:
        return None
    worst = min(values, key=lambda value: value["median"])
    point = field("point", "nominal", title="mode, ranks", sort=None)
    cause = field("cause", "nominal", title="cause", sort=None)
    offset = {"field": "cause", "sort": None}
    return Plot("factors", "Causes of lost efficiency",
                f"The largest loss is {worst['cause']} at {worst['point']} ranks: {worst['median']:.3f}.",
                {"data": {"values": values}, "layer": [
                    {"mark": "bar", "encoding": {"x": point, "xOffset": offset, "color": cause,
                                                 "y": field("median", "quantitative", title="factor")}},
                    {"mark": {"type": "rule", "color": "black"},
                     "encoding": {"x": point, "xOffset": offset, "y": field("low", "quantitative"),
                                  "y2": {"field": "high"}}}]})


def split_plot(rows):
    values = [{"point": f"{row['mode']}, {row['ranks']}", "part": part, "ms": row["split_ms"][part], "order": order}
              for row in rows for order, part in enumerate(PARTS)]
    last = rows[-1]
    longest = max(PARTS, key=lambda part: last["split_ms"][part])
    return Plot("step", "A step of rank 0",
                f"On {last['ranks']} ranks ({last['mode']}) most of a step is {longest}: "
                f"{last['split_ms'][longest]:.2f} ms of {sum(last['split_ms'].values()):.2f}.",
                {"data": {"values": values}, "mark": "bar",
                 "encoding": {"x": field("point", "nominal", title="mode, ranks", sort=None),
                              "y": field("ms", "quantitative", title="milliseconds"),
                              "color": field("part", "nominal", title="part", sort=None),
                              "order": field("order", "quantitative")}})


def rounds_plot(name, title, rounds, name_of):
    values = [{"run": name_of(run), "rate": run["samples_per_second"], "counts": "no" if round_["disturbed"] else "yes"}
              for round_ in rounds for run in round_["runs"]]
    left_out = sum(1 for round_ in rounds if round_["disturbed"])
    return Plot(name, title, f"{len(rounds)} rounds, {left_out} of them disturbed.",
                {"data": {"values": values}, "mark": {"type": "point", "filled": True, "opacity": 0.7},
                 "encoding": {"y": field("run", "nominal", title=None, sort=None),
                              "x": field("rate", "quantitative", title="samples/s", scale={"zero": False}),
                              "color": field("counts", "nominal", title="round counts")}})


def run_name(run):
    return f"{run['ranks']} x {run['global_batch']}" + ("" if run["averages"] else ", no averaging")


def scaling_report(rounds, tables):
    rows = tables[0]["rows"]
    head = ["mode", "ranks", "batch", "class", "samples/s", "speed-up", "efficiency", "of batch", "of sharing",
            "of averaging", "CPU s a million", "rank s a million"]
    lines = []
    for row in rows:
        causes = (between(row["factors"][key]) for key in ("efficiency", "batch", "share", "averaging"))
        lines.append([row["mode"], row["ranks"], row["global_batch"], row["class"],
                      between(row["samples_per_second"], 0), f"{row['factors']['speedup']['median']:.2f}", *causes,
                      f"{row['cpu_seconds_per_million']['median']:.0f}", f"{row['rank_seconds_per_million']:.0f}"])
    plots = [efficiency_plot(rows), factors_plot(rows), split_plot(rows),
             rounds_plot("rounds", "Every round", rounds, run_name)]
    return "Scaling", markdown(head, lines), [plot for plot in plots if plot]


def step_report(rounds, tables):
    text, plots = "", []
    for table in tables:
        lines = [[row["name"], f"{row['samples_per_second']:,.0f} ({row['low']:,.0f} to {row['high']:,.0f})",
                  between(row["ringtrain_over_it"])] for row in table["rows"]]
        text += f"{table['model']}, {table['ranks']} ranks, {table['class']}:\n\n"
        text += markdown(["", "samples/s", "ringtrain over it"], lines) + "\n"
        own = [round_ for round_ in rounds if round_["model"] == table["model"]]
        plots.append(rounds_plot(f"rounds-{table['model']}", f"{table['model']}: every round", own,
                                 lambda run: run["name"]))
    return "Training beside other systems", text, plots
