/** Everything a program in a browser needs to speak to Tertulia live; see README.md beside this file. */
export { type LiveServerOptions, LiveCallError, LiveServer } from "./api";
export { type Capture, type Piece, type Way, ways, waysHere } from "./capture/capture";
export {
  loudness,
  Microphone,
  type MicrophoneChoice,
  MicrophoneError,
  type MicrophoneOptions,
  microphones,
  type MicrophoneTrouble,
  wayFor,
} from "./capture/microphone";
export { Captions, type CaptionsOptions, type CaptionsView } from "./captions";
export { type OpenSocket, type SocketLike } from "./connection";
export { oggOf } from "./ogg";
export { LockedTab, type OneTab } from "./oneTab";
export { followPage, stayAwake } from "./pageLife";
export { mimeTypes, type SessionState, type SessionWishes } from "./protocol";
export { type Failure, LiveSession, type LiveView, type SessionOptions, SLOW_MS } from "./session";
export { confirmed, type Line, plainText } from "./text";
export { wavOf } from "./wav";
