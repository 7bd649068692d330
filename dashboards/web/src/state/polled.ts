// What a view asks the gateway for at once and then every so often, while it is open.
import { onBeforeUnmount, shallowRef, type ShallowRef } from "vue";
import type { ApiError } from "../api/client.ts";
import { asApiError } from "./actions.ts";

/** The latest answer, kept while the gateway does not give another; null before the first. */
export function usePolled<T>(ask: () => Promise<T>, every: number): { answer: ShallowRef<T | null>; error: ShallowRef<ApiError | null> } {
  const answer = shallowRef<T | null>(null);
  const error = shallowRef<ApiError | null>(null);

  async function load(): Promise<void> {
    try {
      answer.value = await ask();
      error.value = null;
    } catch (problem) {
      error.value = asApiError(problem);
    }
  }
  void load();
  const timer = setInterval(() => void load(), every);
  onBeforeUnmount(() => clearInterval(timer));
  return { answer, error };
}
