/** The style sheet of a report: one column of sections, light or dark as the reader's system is. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #f6f7f8; --card: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #dfe3e8; --accent: #0072b2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1d2125; --ink: #e6e9ec; --quiet: #9aa4ae; --line: #343a40; --accent: #56b4e9;
  }
}
@media (prefers-color-scheme: dark) {
  figure svg [stroke="#0072b2"] { stroke: #4aa8e0; }
  figure svg [fill="#0072b2"] { fill: #4aa8e0; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header, main { max-width: 72rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.5rem; }
main { padding-bottom: 4rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
header p { margin: .4rem 0 0; color: var(--quiet); }
h2 { margin: 2.6rem 0 .9rem; font-size: 1.25rem; }
h3 { margin: 0 0 .6rem; font-size: 1rem; }
.quiet, figcaption { color: var(--quiet); font-size: .9rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: .8rem; margin: 0; }
.cards div, figure, .scroll, pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
.cards div { padding: .8rem 1rem; display: flex; flex-direction: column; justify-content: space-between; }
.cards dt { color: var(--quiet); font-size: .9rem; }
.cards dd { margin: .1rem 0 0; font-size: 1.65rem; font-variant-numeric: tabular-nums; letter-spacing: -.01em; }
.cards div:first-child { border-color: var(--accent); }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); gap: 1rem; align-items: start; }
figure { margin: 0; padding: .9rem 1rem; }
figure.plot { padding: .4rem .6rem .6rem; }
figure.plot figcaption { padding: 0 .5rem; }
figure svg { display: block; width: 100%; height: auto; color: var(--ink); }
figure svg .background { fill: none; }
figure img { display: block; width: 100%; height: auto; max-width: 40rem; image-rendering: pixelated; border-radius: .2rem; }
figure img.smooth { image-rendering: auto; }
figcaption { margin-top: .5rem; }
.scroll { overflow-x: auto; width: fit-content; max-width: 100%; }
* + .scroll { margin-top: .8rem; }
table { border-collapse: collapse; min-width: min(24rem, 100%); font-size: .93rem; }
th, td { padding: .4rem 1rem; text-align: left; vertical-align: top; white-space: pre-line; overflow-wrap: break-word; max-width: 40rem; }
thead th { color: var(--quiet); font-weight: 500; }
tbody th { font-weight: 500; }
tbody tr { border-top: 1px solid var(--line); }
td { font-variant-numeric: tabular-nums; }
.number { text-align: right; }
td.number { white-space: nowrap; }
pre { margin: 0; padding: .9rem 1rem; overflow-x: auto; font: .9rem/1.5 ui-monospace, Consolas, Menlo, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { body { background: none; } figure, tr { break-inside: avoid; } }
`;
