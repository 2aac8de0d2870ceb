/** The web app: built to `dist/web`, or served with hot reload in front of a running worker. */
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Where the worker listens; only the development server needs it. */
const api = `http://127.0.0.1:${process.env.FARHAND_API ?? "8787"}`;
const proxied = { target: api, ws: true, changeOrigin: false };

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  server: {
    host: "127.0.0.1",
    // The contract in `protocol/` stands beside this folder.
    fs: { allow: [".."] },
    proxy: { "/api": proxied, "/agent/v1": proxied, "/docs": proxied },
  },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    target: "es2023",
    // Fonts and images stay files: the content security policy allows no data: fonts.
    assetsInlineLimit: 0,
  },
});
