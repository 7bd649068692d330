// Hash routes: `#/view/subject`. The page is a file that any server can serve.
import { reactive } from "vue";

export const VIEWS = ["wall", "alarms", "interlocks", "tickets", "trend", "coverage", "duty"] as const;
export type ViewName = (typeof VIEWS)[number] | "equipment" | "ledgers";

interface Route {
  view: ViewName;
  subject: string;
}

function parse(hash: string): Route {
  const [, name = "", subject = ""] = hash.split("/");
  const known = name === "equipment" || name === "ledgers" || (VIEWS as readonly string[]).includes(name);
  return { view: known ? (name as ViewName) : "wall", subject: decodeURIComponent(subject) };
}

export const route = reactive<Route>(parse(location.hash));

addEventListener("hashchange", () => {
  Object.assign(route, parse(location.hash));
  scrollTo(0, 0);
});

export function link(view: ViewName, subject = ""): string {
  return subject ? `#/${view}/${encodeURIComponent(subject)}` : `#/${view}`;
}

export function go(view: ViewName, subject = ""): void {
  location.hash = link(view, subject);
}
