/** A Debian with a systemd that runs, as tests drive it: by shell scripts, as root. */

export interface Result {
  code: number;
  /** stdout and stderr as they came. */
  output: string;
}

/** The environment that scripts see. */
export const SHELL_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C",
};

export abstract class Machine {
  /** Resolves when its systemd has started everything. */
  abstract boot(): Promise<void>;

  /** Stops services, unmounts, and is off; at once when it does not within its time. */
  abstract powerOff(): Promise<void>;

  /** Runs a shell script in it, as root. `input` is its stdin. */
  abstract sh(script: string, input?: string): Promise<Result>;

  /** What a script prints. @throws when it fails */
  async read(script: string): Promise<string> {
    const { code, output } = await this.sh(script);
    if (code !== 0) throw new Error(`${script}\nended with ${code}: ${output}`);
    return output;
  }
}
