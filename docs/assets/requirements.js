// Gives each requirement of a chapter an anchor, its id in lower case, leads from it to the checks that cite it, and sets
// the mark {untested: …} apart. The chapters stay plain Markdown; without this script they read the same.
(function () {
  var id = /^SEG-[A-Z]+-\d{3}$/;
  var mark = /^(.*?)\s*\{untested: (.+)\}\s*$/s;
  var here = document.currentScript && document.currentScript.src;
  var index = here ? new URL("../reference/requirements/", here).href : null;

  document.querySelectorAll(".md-typeset li > strong:first-child").forEach(function (name) {
    var text = name.textContent;
    var item = name.parentElement;
    if (!id.test(text) || document.getElementById(text.toLowerCase())) return;
    item.id = text.toLowerCase();
    item.classList.add("segue-requirement");
    setMarkApart(item);
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

  function setMarkApart(item) {
    var last = item.lastChild;
    var found = last && last.nodeType === Node.TEXT_NODE && mark.exec(last.data);
    if (!found) return;
    var note = document.createElement("span");
    note.className = "segue-untested";
    note.textContent = " No check: " + found[2] + ".";
    last.data = found[1];
    item.append(note);
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
