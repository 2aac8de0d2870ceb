import { describe, expect, it } from "vitest";
import { applySgr, PLAIN, sameStyle } from "./style.ts";

describe("SGR", () => {
  it.each([
    ["31", { foreground: 1 }],
    ["1;91;40", { bold: true, foreground: 9, background: 0 }],
    ["2;3;4;7;9", { dim: true, italic: true, underline: true, inverse: true, strike: true }],
    ["38;5;9", { foreground: 9 }],
    ["38;5;196", { foreground: "#ff0000" }],
    ["48;5;232", { background: "#080808" }],
    ["38;5;255", { foreground: "#eeeeee" }],
    ["38;2;1;2;3", { foreground: "#010203" }],
    ["38:2::255:128:0", { foreground: "#ff8000" }],
    ["38:5:21;1", { foreground: "#0000ff", bold: true }],
    ["4:3", { underline: true }],
    ["38;2;1;2;3;48;5;1;1", { foreground: "#010203", background: 1, bold: true }],
  ])("%s", (parameters, style) => {
    expect(applySgr(PLAIN, parameters)).toEqual(style);
  });

  it.each(["", "0", "1;31;0", ";"])("%j resets", (parameters) => {
    expect(applySgr({ bold: true, foreground: 2 }, parameters)).toEqual({});
  });

  it("takes single properties back", () => {
    const style = applySgr(PLAIN, "1;2;3;4;7;9;31;41");
    expect(sameStyle(applySgr(style, "22;23;24;27;29;39;49"), PLAIN)).toBe(true);
  });

  it.each(["38", "38;5", "38;5;256", "38;2;1;2", "38;2;1;2;300", "38;9;1", "38;2;;;", "5;8;73;999", "4:9:9"])(
    "%s is harmless",
    (parameters) => {
      const style = applySgr(PLAIN, parameters);
      expect(style.foreground).toBeUndefined();
      expect(style.background).toBeUndefined();
    },
  );
});
