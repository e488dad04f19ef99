// The stream of what to show. Silence for three heartbeats, or an error, means that the service is gone; it is asked
// for again until it is back, and then says by itself where the booking is.
const SILENCE_MS = 3500;
const RETRY_MS = 500;

export class Stream {
  constructor({ onState, onStatus, onGone, onBack }) {
    Object.assign(this, { onState, onStatus, onGone, onBack });
    this.gone = false;
    this.source = null;
    this.silence = 0;
    this.retry = 0;
  }

  open() {
    clearTimeout(this.retry);
    this.source?.close();
    const source = new EventSource("/stream");
    this.source = source;
    source.addEventListener("state", (event) => this.heard(source, () => this.onState(JSON.parse(event.data))));
    source.addEventListener("status", (event) => this.heard(source, () => this.onStatus(JSON.parse(event.data))));
    source.onerror = () => { if (source === this.source) this.lost(); };
    this.watch();
  }

  heard(source, tell) {
    if (source !== this.source) return;
    this.watch();
    if (this.gone) {
      this.gone = false;
      this.onBack();
    }
    tell();
  }

  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MS);
  }

  lost() {
    clearTimeout(this.silence);
    this.source?.close();
    if (!this.gone) {
      this.gone = true;
      this.onGone();
    }
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.open(), RETRY_MS);
  }
}
