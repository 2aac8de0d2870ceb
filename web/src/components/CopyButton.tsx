import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { toast } from "sonner";
import { Button } from "./Button.tsx";
import { IconButton } from "./IconButton.tsx";

interface Props {
  text: string;
  /** What is copied, e.g. "command". */
  what: string;
  /** A button with a word instead of a bare icon. */
  labelled?: boolean;
}

const SHOWN_MS = 1_600;

export function CopyButton({ text, what, labelled }: Props) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  const icon = copied ? <Check className="text-good" aria-hidden /> : <Copy aria-hidden />;
  if (labelled) {
    return (
      <Button onClick={copy}>
        {icon}
        {copied ? "Copied" : "Copy"}
        <span className="sr-only"> {what}</span>
      </Button>
    );
  }
  return <IconButton label={copied ? "Copied" : `Copy ${what}`} icon={icon} size="iconSm" onClick={copy} />;
}

/** Puts text on the clipboard; says so when the browser refuses. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    toast.error("The browser did not allow copying", {
      description: "Select the text and copy it by hand, or open Farhand over https.",
    });
    return false;
  }
}
