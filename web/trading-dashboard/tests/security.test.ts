// What the security page works out by itself: words for proofs, networks from a field, the secret in groups.
import { describe, expect, it } from "vitest";
import { passkeysPossible } from "@web/components/passkeys.ts";
import { networks } from "../features/api-keys/new-api-key.tsx";
import { grouped, pictureOf } from "../features/second-factors/new-totp.tsx";
import { proofs } from "../features/sessions/sessions.tsx";

describe("the security page", () => {
  it("says in words how someone signed in", () => {
    expect(proofs(["pwd", "otp", "mfa"])).toBe("password + authenticator code");
    expect(proofs([])).toBe("–");
  });

  it("takes networks however they are separated", () => {
    expect(networks(" 10.0.0.0/8, 203.0.113.7\n2001:db8::/32;")).toEqual(["10.0.0.0/8", "203.0.113.7", "2001:db8::/32"]);
    expect(networks("")).toEqual([]);
  });

  it("groups a secret for typing, without a space at its end", () => {
    expect(grouped("JBSWY3DPEHPK3PXP")).toBe("JBSW Y3DP EHPK 3PXP");
    expect(grouped("ABCDE")).toBe("ABCD E");
  });

  it("shows the code as an image, in which nothing can run", () => {
    expect(pictureOf('<svg onload="x">')).toBe("data:image/svg+xml;utf8,%3Csvg%20onload%3D%22x%22%3E");
  });

  it("offers no passkey where the address is an IP address", () => {
    Object.assign(globalThis, { PublicKeyCredential: function PublicKeyCredential() {} });
    expect(["127.0.0.1", "[::1]", "::1"].map((host) => passkeysPossible(host))).toEqual([false, false, false]);
    expect(["localhost", "trade.example.org"].map((host) => passkeysPossible(host))).toEqual([true, true]);
  });
});
