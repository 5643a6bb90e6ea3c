/** Firefox without a driver: it opens a page, which tells the test by itself what it has found. */

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

export const firefox = process.env.FIREFOX_PATH ?? "/usr/bin/firefox";

const preferences: Readonly<Record<string, boolean | number>> = {
  "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true, "browser.shell.checkDefaultBrowser": false, "browser.aboutwelcome.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false, "app.update.enabled": false, "network.captive-portal-service.enabled": false,
};
/** What comes with Chromium, unless another driver is named. */
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** Opens a page. Returns how to close the browser. */
export function open(address: string): () => Promise<void> {
  const profile = mkdtempSync(path.join(tmpdir(), "flimsy-firefox-"));
  writeFileSync(path.join(profile, "user.js"), Object.entries(preferences).map(([name, value]) => `user_pref("${name}", ${value});`).join("\n"));
  const env = { ...process.env, HOME: profile, ...(!process.env.VK_DRIVER_FILES && existsSync(swiftShader) && { VK_DRIVER_FILES: swiftShader }) };
  const running = spawn(firefox, ["--headless", "--no-remote", "--profile", profile, address], { stdio: "ignore", env });
  const ended = new Promise<void>((resolve) => { running.once("exit", () => resolve()); });
  return async () => {
    running.kill();
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
}
