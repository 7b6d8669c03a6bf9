// Gives each requirement of a chapter an anchor, its id in lower case, and leads from it to the checks that cite it.
// The chapters stay plain Markdown; without this script they read the same.
(function () {
  var id = /^SEG-[A-Z]+-\d{3}$/;
  var here = document.currentScript && document.currentScript.src;
  var index = here ? new URL("../reference/requirements/", here).href : null;

  document.querySelectorAll(".md-typeset li > strong:first-child").forEach(function (name) {
    var text = name.textContent;
    var item = name.parentElement;
    if (!id.test(text) || document.getElementById(text.toLowerCase())) return;
    item.id = text.toLowerCase();
    item.classList.add("segue-requirement");
    if (!index) return;
    var link = document.createElement("a");
    link.href = index + "#" + item.id;
    link.title = "The checks of " + text;
    link.textContent = text;
    name.replaceChildren(link);
  });

  // The address was read before the anchors were there.
  var named = location.hash && document.getElementById(location.hash.slice(1));
  if (named && named.classList.contains("segue-requirement")) {
    named.classList.add("segue-named");
    named.scrollIntoView();
  }
})();
