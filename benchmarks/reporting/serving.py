# SPDX-License-Identifier: Apache-2.0
"""Tables of `ringtrain serve` beside other servers, and of reading from S3: rows of text for benchmarks/tables."""

ROWS_OF_A_BATCH = 16


def between(figures, digits=2):
    return f"{figures['median']:,.{digits}f} ({figures['low']:,.{digits}f} to {figures['high']:,.{digits}f})"


def verdict(reached):
    return "reached" if reached else "**not reached**"


def server_rows(record):
    """A row for each server, form and number of rows a request."""
    rows = [["the model alone, without HTTP", str(one["rows"]), between(one["rows_per_second"], 0), "", "", ""]
            for one in record["without_http"]]
    for one in sorted(record["servers"], key=lambda one: (one["rows"], one["server"] != "ringtrain", one["server"])):
        ratios = [between(one[f"ringtrain_{form}_over_it"]) if f"ringtrain_{form}_over_it" in one else ""
                  for form in ("json", "binary")]
        rows.append([f"{one['server']}, {one['format']}", str(one["rows"]), between(one["rows_per_second"], 0),
                     between(one["p99_ms_at_70_percent"], 1), *ratios])
    return sorted(rows, key=lambda row: int(row[1]))


SERVER_HEAD = ["server", "rows a request", "rows/s: median (least to greatest)", "p99 at 70% load, ms",
               "ringtrain's JSON over it", "ringtrain's bytes over it"]


def found_in(record, server, form, rows):
    return next((one for one in record["servers"]
                 if (one["server"], one["format"], one["rows"]) == (server, form, rows)), None)


def goal_rows(lenet, resnet):
    """Each goal of serving with the median that was measured."""
    ours = found_in(lenet, "ringtrain", "binary", ROWS_OF_A_BATCH)
    share, p99 = ours["of_without_http"], ours["p99_ms_at_70_percent"]
    most = 2 * ours["batch_ms"] + 5
    rows = [["lenet5, 16 rows as bytes: rate over the model's without HTTP", between(share), "at least 0.9",
             verdict(share["median"] >= 0.9)],
            ["the same: p99 at 70% load, ms", between(p99, 1), f"at most 2 batch times + 5 = {most:.1f}",
             verdict(p99["median"] <= most)]]
    for peer, goal in (("TorchServe", 2), ("MLServer", 1.5), ("LitServe", 1.5), ("BentoML", 1.5)):
        for count in (1, ROWS_OF_A_BATCH):
            if one := found_in(lenet, peer, "json", count):
                ratio = one["ringtrain_json_over_it"]
                rows.append([f"lenet5, {count} rows as JSON: ringtrain over {peer}", between(ratio),
                             f"at least {goal}", verdict(ratio["median"] >= goal)])
    for peer in ("TorchServe", "MLServer", "LitServe", "BentoML"):
        if one := found_in(resnet, peer, "json", ROWS_OF_A_BATCH):
            ratio, mine = one["ringtrain_json_over_it"], found_in(resnet, "ringtrain", "json", ROWS_OF_A_BATCH)
            theirs, its = one["p99_ms_at_70_percent"]["median"], mine["p99_ms_at_70_percent"]["median"]
            rows.append([f"resnet18, 16 rows as JSON: ringtrain over {peer}", between(ratio), "at least 1",
                         verdict(ratio["median"] >= 1)])
            rows.append([f"the same: p99 at 70% load, ms, beside {theirs:,.0f} of {peer}", f"{its:,.0f}", "lower",
                         verdict(its < theirs)])
    return rows


def swap_rows(record):
    keys = (("requests", "requests"), ("swaps_of_each_replica", "versions swapped on each of two replicas"),
            ("kills", "replicas ended by SIGTERM, and by SIGKILL"), ("answered_wrongly", "answered wrongly"),
            ("lost", "accepted and lost"), ("refused", "refused"),
            ("sent_again", "sent again to the other replica after a connection ended"))
    return [[text, f"{record[key]:,}"] for key, text in keys] + [["seconds", f"{record['seconds']:,.0f}"]]


def storage_rows(record):
    reading, imports = record["reading"], record["import"]
    rows = [["GiB/s of curl, 8 ranges of 8 MiB at once", between(reading["curl_gib_per_second"], 3), "", ""],
            ["GiB/s of `dataset verify`", between(reading["verify_gib_per_second"], 3), "", ""],
            ["GiB/s of an epoch of the smallest network", between(reading["epoch_gib_per_second"], 3), "", ""]]

    def goal(what, figures, bound, is_most, digits=2):
        reached = figures["median"] <= bound if is_most else figures["median"] >= bound
        rows.append([what, between(figures, digits), f"at {'most' if is_most else 'least'} {bound}", verdict(reached)])

    goal("`dataset verify` over curl", reading["verify_over_curl"], 0.85, False)
    goal("an epoch over curl", reading["epoch_over_curl"], 0.85, False)
    goal("bytes read over bytes needed", reading["bytes_read_over_needed"], 1.05, True, 3)
    goal("lenet5 on 2 ranks, first epoch: rate from S3 over the disk's", record["lenet5_in_the_first_epoch_of_local"],
         0.97, False)
    goal("import of a zip by URL: wall time over its slowest part", imports["wall_over_slowest_part"], 1.15, True)
    return rows


def makers(markdown, record):
    """Tables by name; `record`: reads a file of benchmarks/results."""
    return {"serving": lambda: markdown(SERVER_HEAD, server_rows(record("serving.json"))),
            "serving_resnet18": lambda: markdown(SERVER_HEAD, server_rows(record("serving_resnet18.json"))),
            "serving_goals": lambda: markdown(["", "measured", "goal", "verdict"],
                                              goal_rows(record("serving.json"), record("serving_resnet18.json"))),
            "serving_swaps": lambda: markdown(["", ""], swap_rows(record("serving_swaps.json"))),
            "s3_epoch": lambda: markdown(["", "measured", "goal", "verdict"], storage_rows(record("s3_epoch.json")))}
