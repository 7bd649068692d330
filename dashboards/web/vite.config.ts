import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// GATEWAY is where a running gateway answers while the page is being worked on.
const gateway = process.env["GATEWAY"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  base: "./",
  plugins: [vue()],
  build: { target: "es2022", sourcemap: false, reportCompressedSize: true },
  server: { proxy: { "/api": { target: gateway, ws: true } } },
});
