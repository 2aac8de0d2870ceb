/**
 * An agent waits most of the time: its heap is to be small rather than fast.
 * Imported before anything else, because what is loaded first counts as well.
 */
import { setFlagsFromString } from "node:v8";

// The young generation stays at the 1 MB that it begins with; a busy start would leave it at eight.
setFlagsFromString("--semi-space-growth-factor=1");
setFlagsFromString("--optimize-for-size");
