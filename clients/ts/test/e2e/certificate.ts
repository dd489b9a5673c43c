import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A file of a certificate that is its own authority, and one of its key, both in PEM. */
export interface CertificateFiles {
  cert: string;
  key: string;
}

/** Writes a certificate of a server on this machine, good for a day, and its key, into a folder. */
export function writeCertificate(folder: string): CertificateFiles {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecdsaWithSha256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from("localhost")));
  const name = sequence(der(0x31, commonName));
  const hour = 3_600_000;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])), // serial number
    ecdsaWithSha256,
    name,
    sequence(time(Date.now() - hour), time(Date.now() + 24 * hour)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(alternativeNames())),
  );
  const signature = sign("sha256", body, privateKey);
  const certificate = sequence(body, ecdsaWithSha256, der(0x03, Buffer.of(0), signature));
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  const text = certificate.toString("base64").replace(/.{64}/g, "$&\n");
  const pem = `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  writeFileSync(files.cert, pem);
  writeFileSync(files.key, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return files;
}

/** Writes a principals file of callers with those scopes, and returns it and their tokens. */
export function writePrincipals<Name extends string>(
  folder: string,
  scopes: Record<Name, string>,
): { file: string; tokens: Record<Name, string> } {
  const file = join(folder, "principals");
  const tokens = {} as Record<Name, string>;
  const lines: string[] = [];
  for (const [name, granted] of Object.entries<string>(scopes)) {
    const token = `sepal_${randomBytes(32).toString("base64url")}`;
    tokens[name as Name] = token;
    lines.push(`${name} ${granted} sha256:${createHash("sha256").update(token).digest("hex")}\n`);
  }
  writeFileSync(file, lines.join(""));
  return { file, tokens };
}

function alternativeNames(): Buffer {
  const localhost = der(0x82, Buffer.from("localhost"));
  const loopback = der(0x87, Buffer.of(127, 0, 0, 1));
  return sequence(oid(0x55, 0x1d, 0x11), der(0x04, sequence(localhost, loopback)));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\..*$/g, "");
  return der(0x18, Buffer.from(`${digits}Z`));
}

function oid(...bytes: number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** A value of ASN.1 with its tag and its length. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  const size = [length];
  if (length >= 0x100) size.splice(0, 1, 0x82, length >> 8, length & 0xff);
  else if (length >= 0x80) size.unshift(0x81);
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
