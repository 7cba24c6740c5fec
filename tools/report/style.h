#pragma once

// The style of every report: screen in light and dark, A4 in print.

namespace casebox::tools::report {

inline constexpr const char* kStyle = R"css(
:root { --bg: #fff; --text: #17212b; --soft: #51606d; --line: #ccd3da; --accent: #0b5f78; --panel: #f4f6f8;
  --certain: #a8201a; --ambiguous: #8a5200; --unobserved: #4f5391; --justified: #25603f; --annotated: #a9c9a4;
  --found: #8fbfd0; --seen: #c9b37e; --gap: #8a94a0; --twin: #7c3f97; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { :root { --bg: #12181e; --text: #e6ebf0; --soft: #a3b0bc;
  --line: #38454f; --accent: #6cc4dd; --panel: #1b242c; --certain: #ff8a80; --ambiguous: #ffc266;
  --unobserved: #b0b4f2; --justified: #7fd1a0; --annotated: #3f6a45; --found: #2f6678; --seen: #6b5c33;
  --gap: #7d8893; --twin: #d0a0e6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 24px 20px 60px; }
h1 { font-size: 25px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 34px 0 8px; border-bottom: 1px solid var(--line); }
h3 { font-size: 16px; margin: 20px 0 6px; } p { margin: 6px 0; max-width: 85ch; }
.soft, caption, .none { color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; margin: 6px 0 12px; font-size: 13.5px; }
caption { text-align: left; font-size: 13px; padding-bottom: 4px; }
th, td { text-align: left; padding: 4px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { display: inline-block; border: 2px solid currentColor; border-radius: 6px; padding: 2px 12px; font-weight: 700; }
.good { color: var(--justified); } .bad { color: var(--certain); }
a { color: var(--accent); } .tag { font: 12px ui-monospace, "DejaVu Sans Mono", monospace; white-space: nowrap; }
code, pre, .mono { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
pre { background: var(--panel); padding: 10px 12px; border-radius: 6px; white-space: pre-wrap; }
.box { border: 1px solid var(--line); border-left: 5px solid var(--soft); border-radius: 6px; padding: 8px 14px; margin: 10px 0; break-inside: avoid; }
.box.certain { border-left-color: var(--certain); } .box.ambiguous { border-left-color: var(--ambiguous); }
.box.unobserved { border-left-color: var(--unobserved); } .box.justified { border-left-color: var(--justified); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 6px 0; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; margin: 6px 0 2px; } svg text { fill: var(--text); font-size: 11px; }
svg .lane, svg .tick { fill: var(--soft); } svg .grid { stroke: var(--line); }
svg .annotated { fill: var(--annotated); } svg .found { fill: var(--found); } svg .seen { fill: var(--seen); }
svg .bound { fill: none; stroke: var(--text); stroke-width: 1.2; } svg .gap { fill: var(--gap); opacity: .75; }
svg .dep { fill: var(--bg); stroke-width: 1.6; } svg .dep.certain { stroke: var(--certain); fill: var(--certain); }
svg .dep.ambiguous { stroke: var(--ambiguous); } svg .dep.unobserved { stroke: var(--unobserved); stroke-dasharray: 2.5 2; }
svg .dep.justified { stroke: var(--justified); }
svg .observed { stroke: var(--accent); fill: none; } svg .forecast { fill: var(--twin); } svg .band { stroke: var(--twin); opacity: .45; }
svg .limit { fill: none; stroke: var(--certain); stroke-dasharray: 5 4; } svg .limit.inner { stroke: var(--ambiguous); }
svg .centre { fill: none; stroke: var(--soft); } svg .course { fill: none; stroke: var(--accent); stroke-width: 1.3; }
svg .point { fill: var(--accent); } svg .point.signal { fill: var(--certain); stroke: var(--text); }
svg .late { stroke: var(--ambiguous); fill: none; stroke-width: 1.5; }
.withheld { border: 2px solid var(--line); border-radius: 8px; padding: 14px 18px; margin: 16px 0; }
.briefing main { max-width: 760px; font-size: 16.5px; } .briefing h2 { border: 0; margin-top: 22px; } .briefing .tag { font-size: 10.5px; }
.second { break-before: page; }
@page { size: A4; margin: 16mm 15mm; }
@media print { main { padding: 0; max-width: none; } body { font-size: 10.5pt; } a { color: inherit; text-decoration: none; }
  .briefing main { font-size: 11.5pt; line-height: 1.4; } .briefing h2 { margin: 10pt 0 3pt; font-size: 13.5pt; } .briefing .tag { font-size: 7.5pt; }
  h2, h3 { break-after: avoid; } tr, svg { break-inside: avoid; } .scroll { overflow: visible; } }
)css";

}  // namespace casebox::tools::report
