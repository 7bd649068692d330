// One attempt at a time to have the gateway do something: whether it is under way, and why the last one failed.
import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import type { ApiError } from "../api/client.ts";
import { asApiError } from "./actions.ts";

export interface Attempt {
  busy: Ref<boolean>;
  error: ShallowRef<ApiError | null>;
  /** Runs the steps; what they throw is kept in `error`, and nothing after it is done. */
  attempt: (steps: () => Promise<unknown>) => Promise<void>;
}

export function useAttempt(): Attempt {
  const busy = ref(false);
  const error = shallowRef<ApiError | null>(null);

  async function attempt(steps: () => Promise<unknown>): Promise<void> {
    busy.value = true;
    error.value = null;
    try {
      await steps();
    } catch (problem) {
      error.value = asApiError(problem);
    } finally {
      busy.value = false;
    }
  }

  return { busy, error, attempt };
}
