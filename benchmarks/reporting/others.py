# SPDX-License-Identifier: Apache-2.0
"""Sections of `bench allreduce`, `bench emulate` and `bench predict`."""

from reporting.plots import Plot, between, field, markdown


def all_reduce_report(rounds, tables):
    table = tables[0]
    lines = [[row["name"], f"{row['bytes']:,}",
              between({key: 1e6 * row["seconds"][key] for key in ("median", "low", "high")}, 1),
              between(row["share_of_limit"], 2) if "share_of_limit" in row else ""] for row in table["rows"]]
    values = [{"name": row["name"], "bytes": row["bytes"], **row["seconds"]} for row in table["rows"]]
    ours = [row for row in table["rows"] if row["name"] == "ringtrain"][-1]
    plot = Plot("sums", "Sums", f"ringtrain sums {ours['bytes']:,} bytes over {table['ranks']} ranks in "
                f"{1e3 * ours['seconds']['median']:.2f} ms.",
                {"data": {"values": values}, "mark": {"type": "point", "filled": True},
                 "encoding": {"x": field("bytes", "quantitative", title="bytes", scale={"type": "log"}),
                              "y": field("median", "quantitative", title="seconds", scale={"type": "log"}),
                              "color": field("name", "nominal", title=None), "shape": field("name", "nominal")}})
    return (f"Sums over {table['ranks']} ranks", markdown(["", "bytes", "microseconds", "share of the limit"], lines),
            [plot])


def emulated_row(row):
    step = between(row["step_ms"], 2) if not row["void"] else f"void: {row['void']}"
    predicted = f"{row['predicted_step_ms']:.2f}" if "predicted_step_ms" in row and not row["void"] else ""
    return [row["class"], row["ranks"], row["ranks_per_host"], step, predicted,
            *(f"{100 * row[key]['median']:.0f}%" for key in ("slept_share", "cpu_share")),
            f"{100 * row['core_wait_share']['median']:.1f}%", between(row["start_seconds"], 2)]


def emulation_report(rounds, tables):
    table = tables[0]
    rows = table["rows"]
    text = (f"{table['model']}: real ranks and real messages; computation is slept through, at times that were "
            f"{table['times']}. No figure is a rate of this machine.\n\n")
    text += markdown(["class", "ranks", "per host", "step ms", "predicted", "slept", "CPU", "queue", "start s"],
                     [emulated_row(row) for row in rows])
    values = [{"ranks": row["ranks"], "class": row["class"], **row["start_seconds"]} for row in rows]
    plot = Plot("start", "Start of ranks",
                f"{values[-1]['ranks']} ranks start in {values[-1]['median']:.1f} s, emulated.",
                {"data": {"values": values}, "layer": [
                    {"mark": {"type": "point", "filled": True, "size": 70},
                     "encoding": {"x": field("ranks", "ordinal"), "shape": field("class", "nominal"),
                                  "y": field("median", "quantitative", title="seconds")}},
                    {"mark": "rule", "encoding": {"x": field("ranks", "ordinal"), "y": field("low", "quantitative"),
                                                  "y2": {"field": "high"}}}]})
    return "Emulated ranks", text, [plot]


def prediction_report(prediction):
    rows = prediction["rows"]
    text = f"{prediction['model']}. Nothing of this is measured; the inputs:\n\n"
    text += markdown(["input", "value", "origin"], [[entry["name"], entry["value"], entry["origin"].replace("|", "/")]
                                                    for entry in prediction["inputs"]]) + "\n"
    text += markdown(["class", "ranks", "step ms, 95%", "samples/s", "of linear", "lost to (points)"],
                     [[row["class"], row["ranks"],
                       f"{row['step_ms']:.2f} ({row['step_ms_low']:.2f} to {row['step_ms_high']:.2f})",
                       f"{row['samples_per_second']:,.0f}", f"{row['of_linear']:.3f}",
                       ", ".join(f"{name} {points:.1f}" for name, points in row.get("lost_points", {}).items())]
                      for row in rows])
    last = rows[-1]
    plot = Plot("predicted", "Predicted share of linear scaling",
                f"{last['ranks']} ranks are predicted to reach {last['of_linear']:.3f} of linear scaling.",
                {"data": {"values": rows}, "mark": {"type": "point", "shape": "triangle-up", "size": 70},
                 "encoding": {"x": field("ranks", "quantitative", scale={"type": "log", "base": 2}),
                              "y": field("of_linear", "quantitative", title="of linear, predicted",
                                         scale={"domainMin": 0})}})
    return "Predicted ranks", text, [plot]
