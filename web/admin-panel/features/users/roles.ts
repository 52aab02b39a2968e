// The roles a person may have, in the order of what they may do.
export const ROLES = ["viewer", "trader", "risk_manager", "auditor", "admin"] as const;
export type Role = (typeof ROLES)[number];

export const MEANING: Readonly<Record<Role, string>> = {
  viewer: "sees prices, accounts and orders",
  trader: "sees, places orders and pauses trading",
  risk_manager: "sees, pauses and resumes trading",
  auditor: "sees everything and the audit trail, changes nothing",
  admin: "manages users, sees services, trades",
};

export function meaning(role: string): string {
  return MEANING[role as Role] ?? "";
}
