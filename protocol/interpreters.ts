/**
 * Programs that run scripts, of which agents tell whether they have them. Whether
 * any other is there is found out by the command that needs it.
 */
export const KNOWN_INTERPRETERS: readonly string[] = [
  ...["sh", "bash", "dash", "zsh", "ksh", "fish", "pwsh"],
  ...["python3", "python", "perl", "ruby", "php", "lua", "node", "deno", "bun", "Rscript"],
];
