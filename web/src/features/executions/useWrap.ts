import { useState } from "react";

const KEY = "farhand.wrap";

/** Whether long lines wrap; remembered on this device. */
export function useWrap(): [boolean, (wrap: boolean) => void] {
  const [wrap, setWrap] = useState(read);
  return [
    wrap,
    (next) => {
      setWrap(next);
      try {
        localStorage.setItem(KEY, next ? "yes" : "no");
      } catch {
        // Storage may be forbidden: the choice then lasts for this page.
      }
    },
  ];
}

function read(): boolean {
  try {
    return localStorage.getItem(KEY) === "yes";
  } catch {
    return false;
  }
}
