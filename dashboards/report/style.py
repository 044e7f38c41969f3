"""The style of a report: system fonts, light and dark, a phone, a sheet of A4. It loads nothing."""

STYLE = """
:root { --paper: #ffffff; --ink: #1b2027; --quiet: #57606b; --line: #dfe3e8; --panel: #f5f7f9; --under: #e3e8ee;
  --negative: #c4552d; --neutral: #b9c0c9; --positive: #2f7fb5; --mark: #7a4fa3;
  --alarm: #a3341a; --care: #80590b; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e7eaee; --quiet: #a3adb8; --line: #303841; --panel: #1c2229;
  --under: #29313a; --negative: #e8845c; --neutral: #5d6874; --positive: #62abdd; --mark: #b795dd; --alarm: #ff9d80; --care: #e5bd68 } }
@media print { :root { --paper: #ffffff; --ink: #1b2027; --quiet: #57606b; --line: #dfe3e8; --panel: #f5f7f9; --under: #e3e8ee;
  --negative: #c4552d; --neutral: #b9c0c9; --positive: #2f7fb5; --mark: #7a4fa3; --alarm: #a3341a; --care: #80590b; color-scheme: light } }
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100%; -webkit-print-color-adjust: exact; print-color-adjust: exact }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "PingFang SC", "Microsoft YaHei",
  "Noto Sans CJK SC", sans-serif; font-variant-numeric: tabular-nums }
main { max-width: 880px; margin: 0 auto; padding: 32px 24px 48px }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; font-weight: 650 }
h2 { font-size: 18px; margin: 40px 0 8px; font-weight: 650 }
h3 { font-size: 15px; margin: 0; font-weight: 600 }
p { margin: 0 }
.when { font-size: 16px }
.note, .quiet, caption, figcaption, small, footer { color: var(--quiet) }
.note, figcaption, footer { font-size: 13px }
small { font-size: .86em; display: inline-block; min-width: 4.6em; text-align: right }
:lang(zh) .groups td:last-child small { min-width: 7em }
.cards { display: grid; grid-template-columns: repeat(5, 1fr); gap: 12px; margin: 24px 0 0 }
.cards div { background: var(--panel); border-radius: 8px; padding: 12px 14px }
.cards .name, .cards .change { font-size: 13px; color: var(--quiet) }
.cards .number { font-size: 26px; line-height: 1.25; font-weight: 600 }
dl { margin: 0; display: grid; grid-template-columns: 9em 1fr; gap: 6px 16px }
dt { color: var(--quiet) }
dd { margin: 0 }
.facts { grid-template-columns: 15em 1fr; font-size: 14px }
ul { margin: 0; padding: 0; list-style: none }
figure { margin: 8px 0 12px; padding-left: 44px }
figcaption { margin-left: -44px; margin-bottom: 4px; display: flex; flex-wrap: wrap; gap: 2px 18px; justify-content: space-between }
.legend span { margin-left: 14px; white-space: nowrap }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 5px }
svg { display: block; overflow: visible }
svg.chart { font-size: 11px }
.dot.negative { background: var(--negative) } .dot.neutral { background: var(--neutral) } .dot.positive { background: var(--positive) }
rect.negative { fill: var(--negative) } rect.neutral { fill: var(--neutral) } rect.positive { fill: var(--positive) }
.grid { stroke: var(--line) } .tick { fill: var(--quiet) } .mood { stroke: var(--negative) }
.band { fill: var(--mark) } .edge { stroke: var(--mark) } text.mark { fill: var(--mark) }
polyline.trend { stroke: var(--quiet) } .under { fill: var(--under) }
rect { shape-rendering: crispEdges }
article { margin-top: 8px; border-top: 1px solid var(--line); padding: 12px 0; break-inside: avoid }
article table { margin-top: 8px }
.quotes { margin: 8px 0 4px; border-left: 3px solid var(--line); padding-left: 12px; font-size: 14px }
span.mark { display: inline-block; min-width: 20px; text-align: center; border-radius: 10px; background: var(--mark); color: var(--paper);
  font-size: 12px; line-height: 20px; padding: 0 6px }
.chip { font-size: 12px; font-weight: 500; border: 1px solid currentColor; border-radius: 10px; padding: 0 8px; white-space: nowrap }
.critical { color: var(--alarm) } .warning { color: var(--care) }
table { width: 100%; border-collapse: collapse; font-size: 14px; table-layout: fixed }
caption { text-align: left; font-size: 13px; padding-bottom: 4px }
th, td { padding: 6px 0 6px 12px; border-top: 1px solid var(--line); vertical-align: baseline; text-align: right; font-weight: 400 }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
thead th { border-top: 0; color: var(--quiet); font-size: 13px; vertical-align: bottom }
tbody th { font-weight: 500 }
tr { break-inside: avoid }
.groups th:first-child { width: 30% } .groups th:nth-child(2) { width: 24% } .groups th:nth-child(3) { width: 30% }
.groups td.feels, .groups th:nth-child(3) { padding-left: 32px }
.numbers th:first-child { width: 46% }
.groups td.feels { vertical-align: middle }
.groups th:nth-child(3), .named th:nth-child(3), .alerts th, .alerts td { text-align: left }
.alerts th:first-child { width: 24% } .alerts th:nth-child(2) { width: 26% } .alerts th:nth-child(3) { width: 12% }
.alerts td, .alerts th { vertical-align: top; font-size: 13px }
.named th:nth-child(2) { width: 28% } .named th:nth-child(3) { width: 108px }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 0 36px }
code { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace }
footer { border-top: 1px solid var(--line); margin-top: 40px; padding-top: 12px }
@media (max-width: 640px) { main { padding: 20px 16px 32px } h1 { font-size: 24px } .cards { grid-template-columns: 1fr 1fr }
  dl, .facts, .pair { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: 8px }
  .minor { display: none }
  .beside { display: block } .beside small, :lang(zh) .groups td:last-child small { min-width: 0; margin-left: 8px }
  .legend span { margin: 0 14px 0 0 } .pair table + table { margin-top: 20px } th, td { padding-left: 8px }
  thead th { overflow-wrap: normal; font-size: 12px } .numbers th:first-child { width: 38% }
  .groups th:nth-child(2) { width: 25% } .groups th:nth-child(3) { width: 25% }
  .groups td.feels, .groups th:nth-child(3) { padding-left: 14px }
  .alerts thead { display: none } .alerts tr, .alerts th, .alerts td { display: block; border: 0; padding: 0 }
  .alerts td[data-label]::before { content: attr(data-label) " "; color: var(--quiet) }
  .alerts tr { border-top: 1px solid var(--line); padding: 6px 0 } .alerts th:first-child, .alerts td { width: auto } }
@page { size: A4; margin: 14mm }
@media print { body { font-size: 12px } main { max-width: none; padding: 0 } h2 { margin-top: 24px; break-after: avoid }
  table, .alerts td, .alerts th, .facts, .note, .quotes { font-size: 11px } thead th { font-size: 10px }
  figure { break-inside: avoid } .pair { display: block } .pair table + table { margin-top: 16px } }
"""
