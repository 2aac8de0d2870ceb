import { useEffect } from "react";

/** Names the tab. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} · Farhand` : "Farhand";
  }, [title]);
}
