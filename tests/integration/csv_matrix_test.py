"""csv_matrix_test.py CASEBOX

One table of a monitor in sixty forms in which monitors, loggers and spreadsheets write it, made here: each comes out
of `import` and `export` with every value, and at every time, that the table has. Where pandas can be told the form it
reads the file too, and must find the same values. Forms that nothing proves are refused until the flag tells.
"""

import csv
import datetime
import io
import pathlib
import sys
import tempfile

from support import Casebox, expect, one_line_error, with_packages

with_packages("pandas")

import pandas  # noqa: E402

casebox = Casebox(sys.argv[1])

BEGIN = datetime.datetime(2024, 3, 25, 22, 59, 40)  # the day can be no month; 13 s later the hour changes
ROWS = [(float(i), 70 + i % 7, round(36.5 + i / 16, 4)) for i in range(40)]
UNIX = datetime.datetime(1970, 1, 1)


def at(t, form):
    return (BEGIN + datetime.timedelta(seconds=t)).strftime(form)


def ampm(t):
    return at(t, "%m/%d/%Y %I:%M:%S %p")


def since_1970(t, per_second):
    return str(int(((BEGIN - UNIX).total_seconds() + t) * per_second))


def days(t):
    return f"{(BEGIN - datetime.datetime(1899, 12, 30)).total_seconds() / 86400 + t / 86400:.10f}"


def clock(t):
    return f"{int(t) // 3600}:{int(t) // 60 % 60:02d}:{int(t) % 60:02d}"


def table(times, header, separator=",", decimal=".", newline="\n", head="", units=None, missing="", end="", columns=2):
    lines = [separator.join(header)]
    if units:
        lines.append(separator.join(units))
    for i, (t, hr, temperature) in enumerate(ROWS):
        value = f"{temperature:.4f}".replace(".", decimal)
        cells = [*(times(t) if isinstance(times(t), tuple) else (times(t),)), missing if i == 5 else str(hr), value]
        lines.append(separator.join(cells[:len(header)]) + end)
    return head + newline.join(lines) + newline


def forms():
    """(name, bytes, options, how pandas reads it or None)"""
    plain = ["time", "HR(bpm)", "Temp(Cel)"]
    seconds = lambda t: f"{t:.3f}"  # noqa: E731
    iso = lambda t: at(t, "%Y-%m-%dT%H:%M:%S")  # noqa: E731
    every = []

    def form(name, text, *options, pandas_how=None, encoding="utf-8"):
        every.append((name, text if isinstance(text, bytes) else text.encode(encoding), options, pandas_how))

    for separator, name in ((",", "comma"), (";", "semicolon"), ("\t", "tab")):
        form(f"{name}", table(seconds, plain, separator), pandas_how={"sep": separator})
        form(f"{name}, CRLF", table(seconds, plain, separator, newline="\r\n"), pandas_how={"sep": separator})
        form(f"{name}, byte order mark", table(seconds, plain, separator), pandas_how={"sep": separator},
             encoding="utf-8-sig")
        form(f"{name}, UTF-16", table(seconds, plain, separator), pandas_how={"sep": separator, "encoding": "utf-16"},
             encoding="utf-16")
    for separator in (";", "\t"):
        comma = lambda t: f"{t:.1f}".replace(".", ",")  # noqa: E731
        form(f"decimal comma, {separator!r}", table(comma, plain, separator, ","),
             pandas_how={"sep": separator, "decimal": ","})
    form("decimal comma in quotes", "time,HR,Temp\n" + "".join(
        f'{int(t)},{"" if i == 5 else hr},"{str(temperature).replace(".", ",")}"\n'
        for i, (t, hr, temperature) in enumerate(ROWS)), pandas_how={"decimal": ","})
    for missing in ("", "-", "--", "---"):
        form(f"no value as {missing!r}", table(seconds, plain, missing=missing),
             pandas_how={"na_values": ["-", "--", "---"]})
    form("no value as NaN", table(seconds, plain, missing="NaN"), pandas_how={})
    form("preamble", table(seconds, plain, head="Device: X\nSerial; 12\n\n"), pandas_how={"skiprows": 3})
    form("preamble of a spreadsheet", table(seconds, plain, ";", head="sep=;\n"), pandas_how={"sep": ";", "skiprows": 1})
    form("row of units", table(seconds, ["time", "HR", "Temp"], units=["s", "bpm", "Cel"]), pandas_how={"skiprows": [1]})
    form("row of units in brackets", table(seconds, ["time", "HR", "Temp"], units=["[s]", "[bpm]", "[Cel]"]),
         pandas_how={"skiprows": [1]})
    form("separators at the ends", table(seconds, plain, end=","), pandas_how={"index_col": False})
    form("windows-1252", table(seconds, ["time", "HR", "Temp (°C)"]), pandas_how={"encoding": "windows-1252"},
         encoding="windows-1252")
    form("the same name twice", table(seconds, ["time", "HR", "HR"]), pandas_how={})
    form("quoted header", table(seconds, ['"time"', '"HR, beats"', '"Temp"']), pandas_how={})
    for name, header in (("Time (s)", "Time (s)"), ("t", "t"), ("timestamp", "timestamp"), ("elapsed", "Elapsed"),
                         ("Zeit", "Zeit"), ("Time [s]", "Time [s]")):
        form(f"header {name}", table(seconds, [header, "HR", "Temp"]), pandas_how={})
    for unit, factor in (("ms", 1e3), ("msec", 1e3), ("milliseconds", 1e3), ("us", 1e6), ("µs", 1e6), ("ns", 1e9)):
        form(f"header time in {unit}", table(lambda t, f=factor: str(int(t * f)), [f"Time ({unit})", "HR", "Temp"]),
             pandas_how={})
    for unit, factor in (("minutes", 60), ("h", 3600), ("hours", 3600)):
        form(f"header time in {unit}", table(lambda t, f=factor: f"{t / f:.12f}", [f"Time ({unit})", "HR", "Temp"]),
             pandas_how={})
    form("header time_ms", table(lambda t: str(int(t * 1000)), ["time_ms", "HR", "Temp"]), pandas_how={})
    form("--time-unit ms", table(lambda t: str(int(t * 1000)), plain), "--time-unit", "ms", pandas_how={})
    form("--time-column", table(seconds, ["clock_of_x", "HR", "Temp"]), "--time-column", "clock_of_x", pandas_how={})
    for name, written in (("ISO 8601", "%Y-%m-%dT%H:%M:%S"), ("ISO 8601 in UTC", "%Y-%m-%dT%H:%M:%SZ"),
                          ("date and blank", "%Y-%m-%d %H:%M:%S"), ("slashes", "%Y/%m/%d %H:%M:%S"),
                          ("compact", "%Y%m%dT%H%M%S"), ("name of the month", "%d-%b-%Y %H:%M:%S"),
                          ("day first", "%d/%m/%Y %H:%M:%S"), ("day first with points", "%d.%m.%Y %H:%M:%S"),
                          ("month first", "%m/%d/%Y %H:%M:%S"), ("with an offset", "%Y-%m-%dT%H:%M:%S+01:00"),
                          ("with thousandths", "%Y-%m-%d %H:%M:%S.000")):
        form(name, table(lambda t, w=written: at(t, w), ["Time", "HR", "Temp"]), pandas_how={})
    form("AM and PM", table(ampm, ["Time", "HR", "Temp"]), pandas_how={})
    form("date and clock", table(lambda t: (at(t, "%d.%m.%Y"), at(t, "%H:%M:%S")), ["Date", "Time", "HR", "Temp"]),
         pandas_how={})
    form("clock", table(clock, ["Time", "HR", "Temp"]), pandas_how={})
    form("clock of a day", table(lambda t: at(t, "%H:%M:%S"), ["Time", "HR", "Temp"]), pandas_how={})
    form("clock mm:ss", table(lambda t: f"{int(t) // 60:02d}:{int(t) % 60:02d}", ["Time", "HR", "Temp"]), "--time-unit",
         "mm:ss", pandas_how={})
    for per_second, unit in ((1, "s"), (1000, "ms"), (10**6, "us")):
        form(f"{unit} since 1970", table(lambda t, p=per_second: since_1970(t, p), ["Timestamp", "HR", "Temp"]),
             pandas_how={})
    form("days of a spreadsheet", table(days, ["Date", "HR", "Temp"]), pandas_how={})
    form("days of a spreadsheet, told", table(days, ["Date", "HR", "Temp"]), "--time-unit", "excel", pandas_how={})
    form("--zone", table(iso, ["Time", "HR", "Temp"]), "--zone", "+02:00", pandas_how={})
    return every


def refusals():
    """(name, text, flag that is asked for)"""
    either = "Time,HR\n04/05/2024 10:00:00,70\n04/05/2024 10:00:01,71\n"
    return [("day or month", either, "--time-format"),
            ("two numbers of a clock", "Time,HR\n10:15,70\n10:16,71\n", "--time-unit"),
            ("thousands or a decimal comma", 'Time,HR\n0,"1,250"\n1,"1,251"\n', "--decimal"),
            ("five decimals of a day", "Time,HR\n45382.12345,70\n45382.12346,71\n", "--time-unit"),
            ("an unknown unit", "Time (fortnights),HR\n0,70\n1,71\n", "unit"),
            ("no time", "HR,SpO2\n70,98\n71,99\n", "--time-column")]


def number(cell):
    try:
        value = float(str(cell).replace(",", "."))
    except ValueError:
        return None
    return None if value != value else value


def by_pandas(data, how):
    """The last two columns as pandas reads them."""
    read = pandas.read_csv(io.BytesIO(data), **how)
    return [(number(a), number(b)) for a, b in zip(read.iloc[:, -2], read.iloc[:, -1])]


def main():
    known = [(None if i == 5 else float(hr), temperature) for i, (_, hr, temperature) in enumerate(ROWS)]
    every = forms()
    expect(len(every) >= 60, f"only {len(every)} forms")
    compared = 0
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        for n, (name, data, options, how) in enumerate(every):
            file, store, case = folder / f"{n}.csv", folder / f"store{n}", "c"
            file.write_bytes(data)
            if how is not None:
                expect(by_pandas(data, how) == known, f"{name}: pandas reads {by_pandas(data, how)[:7]}")
                compared += 1
            casebox.run("import", f"m={file}", "--case", case, "--store", store, *options)
            text = casebox.run("export", case, "--store", store, "--format", "csv", "--stream", "m.series").stdout
            rows = list(csv.reader(io.StringIO(text)))
            values = [(number(row[-2]), number(row[-1])) for row in rows[1:]]
            expect(values == known, f"{name}: comes out as {values[:7]}")
            times = [float(row[0]) for row in rows[1:]]
            worst = max(abs((a - times[0]) - (b[0] - ROWS[0][0])) for a, b in zip(times, ROWS))
            expect(worst <= 1e-3, f"{name}: a row is {worst} s off; {rows[0]}")
        for name, text, flag in refusals():
            file = folder / "refused.csv"
            file.write_text(text)
            line = one_line_error(casebox.run("import", f"m={file}", "--dry-run", code=2), flag)
            expect("refused.csv" in line, f"{name}: {line}")
    print(f"{len(every)} forms, {compared} of them by pandas too; {len(refusals())} refusals")


main()
