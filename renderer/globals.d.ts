/// <reference types="vite/client" />

/** True in `vite dev` and in builds of mode `fake`: the lab that plays Bookinfo is there. */
declare const __FAKE__: boolean;
