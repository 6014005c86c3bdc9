/** The playground in a notebook: the front end of an anywidget. It shows the page, which is one file, in a frame.
 *
 * In a frame the page's names, styles and keys do not mix with those of the notebook. The page finds its conversation with the kernel on the frame's
 * element: a transport, like those in page/connection.js, and the settings. Each start of a page is a new conversation with its own name, because a frame
 * that is moved in the notebook loads its page again.
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
    model.on("comm:close", () => this.told?.ended("The widget was closed or the kernel has ended"));
    model.on("comm_live_update", () => this.told?.ended("The kernel was restarted or has ended"));
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

  /** End the conversation and its session. */
  end() {
    if (this.name) this.model.send({conversation: this.name, over: true});
    this.name = this.told = null;
  }

  /** The lesson to open and its page, if there is one. */
  get lesson() {
    return this.model.get("lesson");
  }

  get settings() {
    return this.model.get("configuration");
  }

  set settings(configuration) {
    this.model.set("configuration", configuration);
    this.model.save_changes();
  }
}

/** The bytes of a reply in a new buffer, because its arrays must be at multiples of 8. */
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
