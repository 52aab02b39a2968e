// Build this app as plain files: the gateway serves them, no Node runs in production.
import path from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  output: "export",
  basePath: "/admin",
  trailingSlash: true,
  images: { unoptimized: true },
  transpilePackages: ["@web/components", "@web/contracts"],
  turbopack: { root: path.join(import.meta.dirname, "..") },
  generateBuildId: () => process.env.BUILD_ID ?? "development",
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
};

export default config;
