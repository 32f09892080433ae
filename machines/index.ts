/** The statecharts, alone: to print, inspect, walk and test. */
export * from './lock-machine.js';
export * from './session-machine.js';
