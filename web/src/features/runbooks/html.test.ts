import { expect, it } from "vitest";
import { htmlParts } from "./html.ts";

it.each([
  ["<details>\n<summary>More of it</summary>", [" ", "More of it"]],
  ["</details>", []],
  ["<b>", []],
  ["a <br> b<br/>c", ["a ", "\n", " b", "\n", "c"]],
  ["<!-- <b>hidden</b> -->shown", ["shown"]],
  ["<!-- never closed", []],
  ["x &lt;b&gt; &amp;amp; &quot;y&quot; &#39;z&#39; &nope; &nbsp;", ["x <b> &amp; \"y\" 'z' &nope; \u00a0"]],
  ["1 < 2 and <3", ["1 < 2 and <3"]],
  ["<script>alert(1)</script>", ["alert(1)"]],
])("of %j is left %j", (html, parts) => {
  expect(htmlParts(html)).toEqual(parts);
});

it.each([
  ['<img src="https://x.example/a.png" alt="a &amp; b">', { url: "https://x.example/a.png", text: "a & b" }],
  [
    "<IMG alt='' src='http://x.example/a.png' />",
    { url: "http://x.example/a.png", text: "http://x.example/a.png" },
  ],
  ["<img alt=map src=https://x.example/a?b=c>", { url: "https://x.example/a?b=c", text: "map" }],
])("makes a link of %s", (html, image) => {
  expect(htmlParts(html)).toEqual([image]);
});

it.each([
  ['<img src="javascript:alert(1)" alt="words">', ["words"]],
  ['<img src="mailto:a@b.c" alt="words">', ["words"]],
  ['<img src="data:image/png;base64,xx">', []],
  ['<img src="/local.png" onerror="alert(1)" alt="words">', ["words"]],
])("[S11] leaves only the words of %s", (html, parts) => {
  expect(htmlParts(html)).toEqual(parts);
});

it("takes no longer than the text is long", () => {
  for (const text of ["<", "<a ", "<img ", "<!--", "&", "<img alt='", '<a b="'])
    htmlParts(text.repeat(100_000));
});
