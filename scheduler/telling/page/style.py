"""How the page looks: one style sheet inside it, for light and dark, for a wall screen and a telephone.

Colours have a contrast of at least 4.5 to 1 on what is behind them (WCAG 2.2 AA), and nothing is said by colour alone.
"""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d8dee4;--soft:#f6f8fa;--ok:#116329;
--warn:#7d4e00;--bad:#a40e26;--link:#0550ae;--okbg:#dafbe1;--warnbg:#fff8c5;--badbg:#ffebe9}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#30363d;--soft:#161b22;
--ok:#56d364;--warn:#e3b341;--bad:#ff7b72;--link:#79c0ff;--okbg:#12261e;--warnbg:#272115;--badbg:#25171c}}
*{box-sizing:border-box}
html{background:var(--bg);color:var(--fg);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:1280px;padding:0 16px 32px}
a{color:var(--link)}
h1,h2,p,ol,dl,dd,table{margin:0;padding:0}
h1{font-size:17px;margin-right:auto}
h1 span{color:var(--dim);font-weight:400;margin-left:.4em;overflow-wrap:anywhere}
h2{font-size:15px;margin:24px 0 6px}
header{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:center;padding:14px 0 12px;
border-bottom:1px solid var(--line)}
header p{min-width:0;max-width:100%}
.lead{display:flex;gap:.45em;align-items:baseline}
.badge{border:1px solid;border-radius:999px;padding:1px 12px;font-weight:600}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}.dim{color:var(--dim)}
.badge.ok{background:var(--okbg)}.badge.warn{background:var(--warnbg)}.badge.bad{background:var(--badbg)}
.sums{display:flex;flex-wrap:wrap;gap:2px 18px;padding:10px 0}
.sums>*{min-width:0;overflow-wrap:anywhere}
.name{display:inline-block;max-width:100%;vertical-align:bottom;white-space:nowrap;overflow:hidden;
font:600 13.5px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.name i{display:inline-block;max-width:calc(100% - 8ch + 1px);overflow:hidden;text-overflow:ellipsis;
vertical-align:bottom;font-style:normal}
table{width:100%;border-collapse:collapse;table-layout:fixed;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{padding:5px 12px 5px 0;text-align:left;vertical-align:baseline;font-weight:400;overflow-wrap:anywhere}
thead th{color:var(--dim);border-bottom:1px solid var(--line);font-size:13px}
tbody tr{border-bottom:1px solid var(--line)}
tbody tr:hover{background:var(--soft)}
tbody tr:target{background:var(--warnbg)}
tbody th{font-weight:600}
.c1{width:23%}.c2{width:22%}.c3{width:17%}.c4{width:22%}.c5{width:16%}
.next{display:flex;justify-content:space-between;gap:8px}
.next .dim{white-space:nowrap}
.strip{font:14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.events{list-style:none;font-variant-numeric:tabular-nums}
.events li{display:grid;grid-template-columns:7em 12em minmax(0,1fr);gap:0 12px;padding:2px 0}
.events span{overflow-wrap:anywhere}
.legend{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 16px;color:var(--dim);padding-top:10px;font-size:13px}
.legend b{font:600 14px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;color:var(--fg)}
@media (max-width:760px){
body{padding:0 12px 24px}
h1{width:100%}
table,tbody{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{display:grid;grid-template-columns:minmax(0,1fr) fit-content(64%);gap:1px 12px;padding:8px 0}
tbody th,tbody td{display:block;padding:0}
tbody td:nth-child(2){grid-row:2;grid-column:1;color:var(--dim)}
tbody td:nth-child(3){grid-row:1;grid-column:2;text-align:right}
tbody td:nth-child(4){grid-row:3;grid-column:1/-1}
tbody td:nth-child(5){grid-row:2;grid-column:2;text-align:right}
.next{display:inline-flex}
.events li{grid-template-columns:auto minmax(0,1fr);padding:4px 0;border-bottom:1px solid var(--line)}
.events li>:last-child{grid-column:1/-1}
}
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page's Content-Security-Policy: this style and an empty icon, and nothing else, whatever got into the page."""
