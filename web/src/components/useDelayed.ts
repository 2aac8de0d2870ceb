import { useEffect, useState } from "react";

/** True once the condition has held for this long; for what is no news while it is short. */
export function useDelayed(condition: boolean, ms: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!condition) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [condition, ms]);
  return late && condition;
}
