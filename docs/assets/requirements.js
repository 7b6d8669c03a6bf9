// Gives each requirement of a chapter an anchor, its id in lower case, leads from it to the checks that cite it, and sets
// the marks {untested: …} and {disputed: …} apart. The chapters stay plain Markdown; without this script they read the same.
(function () {
  var id = /^SEG-[A-Z]+-\d{3}$/;
  var mark = /^(.*?)\s*\{(untested|disputed): ([^{}]+)\}\s*$/s;
  var here = document.currentScript && document.currentScript.src;
  var index = here ? new URL("../reference/requirements/", here).href : null;

  document.querySelectorAll(".md-typeset li > strong:first-child").forEach(function (name) {
    var text = name.textContent;
    var item = name.parentElement;
    if (!id.test(text) || document.getElementById(text.toLowerCase())) return;
    item.id = text.toLowerCase();
    item.classList.add("segue-requirement");
    setMarksApart(item);
    if (index) link(name, text, index + "#" + item.id);
  });
  show();
  window.addEventListener("hashchange", show);

  function link(name, text, href) {
    var anchor = document.createElement("a");
    anchor.href = href;
    anchor.title = "The checks of " + text;
    anchor.textContent = text;
    name.replaceChildren(anchor);
  }

  // Marks stand at the end, one behind the other: the last is taken off first.
  function setMarksApart(item) {
    var last = item.lastChild;
    var notes = [];
    var found;
    while ((found = last && last.nodeType === Node.TEXT_NODE && mark.exec(last.data))) {
      notes.unshift(found[2] === "disputed" ? dispute(found[3]) : reason(found[3]));
      last.data = found[1];
    }
    notes.forEach(function (note) { item.append(note); });
  }

  function reason(text) {
    var note = document.createElement("span");
    note.className = "segue-untested";
    note.textContent = " No check: " + text + ".";
    return note;
  }

  // Only an address of the web becomes a link; anything else is shown as it stands.
  function dispute(address) {
    var note = document.createElement("span");
    note.className = "segue-disputed";
    note.append(" Disputed: ");
    if (!/^https:\/\/\S+$/.test(address)) {
      note.append(address);
      return note;
    }
    var anchor = document.createElement("a");
    anchor.href = address;
    anchor.textContent = "what its meaning is, is argued about";
    note.append(anchor, ".");
    return note;
  }

  // The address was read before the anchors were there.
  function show() {
    document.querySelectorAll(".segue-named").forEach(function (item) { item.classList.remove("segue-named"); });
    var named = location.hash && document.getElementById(location.hash.slice(1));
    if (!named || !named.classList.contains("segue-requirement")) return;
    named.classList.add("segue-named");
    named.scrollIntoView();
  }
})();
