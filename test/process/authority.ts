/** Certificates for one test file, made by openssl: an authority, and what it has signed. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServerKey {
  key: string;
  cert: string;
}

export class Authority {
  readonly #folder: string;
  readonly #name: string;

  /** @param name of its files in the folder */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.#openssl(
      ...[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
      ],
      ...["-subj", `/CN=${name}`, "-keyout", this.#path("key"), "-out", this.file],
    );
  }

  /** Its certificate, in PEM. */
  get file(): string {
    return this.#path("pem");
  }

  /** A certificate for a host, good from 2020 until then. */
  sign(host: string, notAfter = "20991231235959Z"): ServerKey {
    const base = join(this.#folder, `${this.#name}-${host}-${notAfter}`);
    this.#openssl(
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
      ...["-subj", `/CN=${host}`, "-keyout", `${base}.key`, "-out", `${base}.csr`],
    );
    writeFileSync(`${base}.index`, "");
    writeFileSync(
      `${base}.cnf`,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${base}.index\nnew_certs_dir=${this.#folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=x\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:${host}\n`,
    );
    this.#openssl(
      ...["ca", "-batch", "-notext", "-config", `${base}.cnf`, "-in", `${base}.csr`, "-out", `${base}.pem`],
      ...[
        "-cert",
        this.file,
        "-keyfile",
        this.#path("key"),
        "-startdate",
        "20200101000000Z",
        "-enddate",
        notAfter,
      ],
    );
    return { key: readFileSync(`${base}.key`, "utf8"), cert: readFileSync(`${base}.pem`, "utf8") };
  }

  #path(kind: string): string {
    return join(this.#folder, `${this.#name}.${kind}`);
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}
