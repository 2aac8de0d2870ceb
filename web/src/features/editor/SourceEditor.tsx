import { type Diagnostic, setDiagnostics } from "@codemirror/lint";
import type { Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import type { ProblemIssue } from "#protocol/errors.ts";
import { BlockToolbar } from "./BlockToolbar.tsx";
import { editorExtensions } from "./codemirror.ts";
import { BlockDialog } from "./form/BlockDialog.tsx";
import { useBlockForm } from "./form/useBlockForm.ts";

export interface SourceEditorHandle {
  /** Puts the cursor where the issue is. */
  reveal(issue: ProblemIssue): void;
  /** Replaces the whole text. */
  replace(source: string): void;
}

interface Props {
  ref: Ref<SourceEditorHandle>;
  initial: string;
  issues: readonly ProblemIssue[];
  warnings: readonly ProblemIssue[];
  onChange(source: string): void;
  onSave(): void;
}

/** CodeMirror, with the runbook's problems marked where they are. */
export function SourceEditor({ ref, initial, issues, warnings, onChange, onSave }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const form = useBlockForm(view);
  const callbacks = useRef({ onChange, onSave, onEditBlock: form.edit });
  callbacks.current = { onChange, onSave, onEditBlock: form.edit };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor owns its text once it is made
  useEffect(() => {
    if (!parent.current) return;
    const editor = new EditorView({
      doc: initial,
      parent: parent.current,
      extensions: editorExtensions({
        onChange: (source) => callbacks.current.onChange(source),
        onSave: () => callbacks.current.onSave(),
        onEditBlock: () => callbacks.current.onEditBlock(),
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const { doc } = editor.state;
    editor.dispatch(
      setDiagnostics(editor.state, [
        ...issues.map((issue) => diagnosticOf(issue, "error", doc)),
        ...warnings.map((issue) => diagnosticOf(issue, "warning", doc)),
      ]),
    );
  }, [issues, warnings]);

  useImperativeHandle(ref, () => ({
    reveal(issue) {
      const editor = view.current;
      if (!editor) return;
      editor.dispatch({ selection: { anchor: positionOf(issue, editor.state.doc) }, scrollIntoView: true });
      editor.focus();
    },
    replace(source) {
      const editor = view.current;
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: source } });
    },
  }));

  return (
    <>
      <BlockToolbar onInsert={form.insert} onEdit={form.edit} />
      <div ref={parent} className="source-editor min-h-0 flex-1 overflow-hidden" />
      {form.request && (
        <BlockDialog
          request={form.request}
          onDone={form.done}
          onClose={form.close}
          focusAfter={() => view.current?.focus()}
        />
      )}
    </>
  );
}

function positionOf({ line = 1, column = 1 }: ProblemIssue, doc: Text): number {
  const at = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(at.to, at.from + Math.max(0, column - 1));
}

/** Marks from the issue's column to the end of its line. */
function diagnosticOf(issue: ProblemIssue, severity: "error" | "warning", doc: Text): Diagnostic {
  const from = positionOf(issue, doc);
  const { to } = doc.lineAt(from);
  return { from, to: Math.max(to, from), severity, message: issue.message };
}
