// A person's actions: who is asked for, what is sent, and what is shown when the gateway refuses.
import { reactive, ref, shallowRef } from "vue";
import { api, ApiError, type Person } from "../api/client.ts";
import type { AlarmView, MatrixRow, Text } from "../api/types.ts";
import { words } from "../catalogue.ts";
import { operator } from "./operator.ts";

export interface Asking {
  title: Text;
  subject: Text;
  send: (person: Person) => Promise<unknown>;
}

/** The form that is open now, and the failure of an action that had no form. */
export const asking = shallowRef<Asking | null>(null);
export const failure = shallowRef<ApiError | null>(null);
/** The alarm that is being put aside, and how. */
export const aside = shallowRef<{ alarm: AlarmView; how: "shelve" | "remove" } | null>(null);
/** The interlock that is being bypassed or tested. */
export const registering = shallowRef<{ row: MatrixRow; how: "bypass" | "declare_test" } | null>(null);
export const namingOperator = ref(false);

const sending = reactive(new Set<string>());

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, { error: "page", message: String(error), problems: [] });
}

async function track(id: string, work: () => Promise<unknown>): Promise<void> {
  sending.add(id);
  try {
    await work();
  } finally {
    sending.delete(id);
  }
}

export function useAlarmActions() {
  return {
    busy: (alarm: string) => sending.has(alarm),

    /** One touch where the name is known; with `detailed`, or without a name, the form asks. */
    async acknowledge(alarm: AlarmView, detailed: boolean): Promise<void> {
      const send = (person: Person) => track(alarm.id, () => api.acknowledge(alarm.id, person));
      if (detailed || !operator.value) {
        asking.value = { title: words.acknowledge, subject: alarm.title, send };
        return;
      }
      try {
        await send({ by: operator.value, comment: "" });
      } catch (error) {
        failure.value = asApiError(error);
      }
    },

    reset(alarm: AlarmView): void {
      const send = (person: Person) => track(alarm.id, () => api.reset(alarm.id, person));
      asking.value = { title: words.reset, subject: alarm.title, send };
    },

    shelve(alarm: AlarmView): void {
      aside.value = { alarm, how: "shelve" };
    },

    removeFromService(alarm: AlarmView): void {
      aside.value = { alarm, how: "remove" };
    },

    unshelve(alarm: AlarmView): void {
      const send = (person: Person) => track(alarm.id, () => api.unshelve(alarm.id, person));
      asking.value = { title: words.unshelve, subject: alarm.title, send };
    },

    returnToService(alarm: AlarmView): void {
      const send = (person: Person) => track(alarm.id, () => api.returnToService(alarm.id, person));
      asking.value = { title: words.return_to_service, subject: alarm.title, send };
    },
  };
}
