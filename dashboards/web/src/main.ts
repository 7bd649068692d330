import { createApp } from "vue";
import App from "./App.vue";
import { startSession } from "./state/session.ts";
import { startSound } from "./state/sound.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/forms.css";

startSound();
startSession();
createApp(App).mount("#app");
