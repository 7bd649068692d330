// The name of whoever is on duty at this screen: asked once, kept in this browser, changeable.
import { computed, ref } from "vue";

const KEY = "tocsin.operator";

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

const name = ref(stored());

export const operator = computed(() => name.value);

export function setOperator(value: string): void {
  name.value = value.trim().slice(0, 64);
  try {
    localStorage.setItem(KEY, name.value);
  } catch {
    // A browser that keeps nothing still knows the name until it is closed.
  }
}
