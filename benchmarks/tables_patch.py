import pathlib
p=pathlib.Path('/work/importers/benchmarks/tables'); t=p.read_text()
t=t.replace('''         "benchmarks/results/torch_backend.md", "docs/internals/prediction.md")''','''         "benchmarks/results/torch_backend.md", "benchmarks/results/report.md", "docs/internals/prediction.md")''')
t=t.replace('''MAKERS = {''','''# scripts/benchmark, made twice: the files of both runs, and the models in them.
RUNS, REPORTED = ("report/first", "report/second"), ("mlp", "lenet5")


def reported(run):
    """{figure: its median and interval} of a run of scripts/benchmark."""
    found = {}
    for model in REPORTED:
        one, two = load(f"{run}/{model}.jsonl")[0]["rows"]
        for row, ranks in ((one, "1 rank"), (two, "2 ranks")):
            found[f"{model}, {ranks}: samples/s"] = (row["samples_per_second"], 0)
            found[f"{model}, {ranks}: CPU s a million samples"] = (row["cpu_seconds_per_million"], 1)
        names = {"speedup": "speed-up", "batch": "of batch", "share": "of sharing", "averaging": "of averaging"}
        for key, name in names.items():
            found[f"{model}, 2 ranks: {name}"] = (two["factors"][key], 3)
    for row in load(f"{run}/sums.jsonl")[0]["rows"]:
        if row["name"] == "ringtrain":
            found[f"sum of {size(row['bytes'])}: share of memcpy"] = (row["share_of_limit"], 2)
    return found


def rounds_of(run, name):
    return load(f"{run}/{name}.jsonl")[0]["rounds"]


def headline():
    first, second = map(reported, RUNS)
    names = {"lenet5, 2 ranks: speed-up": "lenet5: 2 ranks over 1 rank", "lenet5, 2 ranks: of averaging":
             "of the same ranks without averaging", "sum of 16 MiB: share of memcpy": "a sum of 16 MiB, of memcpy's rate"}
    rows = [[text, *(f"{between(run[name][0])}, n={rounds_of(folder, 'sums' if 'sum' in name else 'lenet5')}"
                     for folder, run in zip(RUNS, (first, second)))] for name, text in names.items()]
    return markdown(["", "first run", "second run"], rows)


def repeated():
    first, second = map(reported, RUNS)
    rows, inside = [], 0
    for name, (figure, digits) in first.items():
        again = second[name][0]
        fits = figure["low"] <= again["median"] <= figure["high"]
        inside += fits
        rows.append([name, between(figure, digits), between(again, digits), "yes" if fits else "no"])
    rows.append([f"{inside} of {len(rows)} medians of the second run lie in the first one's interval", "", "", ""])
    return markdown(["", "first run", "second run", "inside"], rows)


MAKERS = {"headline": headline, "repeated": repeated, ''')
p.write_text(t)
