/** The playground in a notebook's cell: what anywidget's front end renders. The page, one file, stands in a frame.
 *
 * In a frame of its own the page's names, styles and keys are its own, however many there are in a notebook, and its width is the cell's.
 * It finds its conversation with the kernel on the frame's element: a transport, like those in page/connection.js, and the settings.
 * Each start of a page is a conversation of its own, with a name, as a frame that is moved in the notebook begins anew.
 */

const PAGE = "the page, put here by playground/notebook.py";

let count = 0;
const name = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${count++}`;

class Conversation {
  constructor(model) {
    this.model = model;
    model.on("msg:custom", (content, buffers) => {
      if (!this.name || content?.conversation !== this.name) return;
      if (content.over) this.told.ended(content.over);
      else this.told.reply(content.text ?? bytes(buffers[0]));
    });
    model.on("comm:close", () => this.told?.ended("The widget was closed, or the kernel has ended"));
    model.on("comm_live_update", () => this.told?.ended("The kernel was restarted, or has ended"));
  }

  start(told) {
    this.end();
    this.name = name();
    this.told = told;
    told.ready();
  }

  send(text) {
    this.model.send({conversation: this.name, text});
  }

  /** The session is not needed any more. */
  end() {
    if (this.name) this.model.send({conversation: this.name, over: true});
    this.name = this.told = null;
  }

  get settings() {
    return this.model.get("configuration");
  }

  set settings(configuration) {
    this.model.set("configuration", configuration);
    this.model.save_changes();
  }
}

/** A reply's bytes in a buffer of their own, as its arrays lie at multiples of 8 in it. */
const bytes = ({buffer, byteOffset, byteLength}) => buffer.slice(byteOffset, byteOffset + byteLength);

export default {
  render({model, el}) {
    const frame = document.createElement("iframe"), conversation = new Conversation(model);
    Object.assign(frame, {className: "nudge-playground", title: "Nudge playground", srcdoc: PAGE, conversation});
    el.append(frame);
    return () => {
      conversation.end();
      frame.remove();
    };
  },
};
