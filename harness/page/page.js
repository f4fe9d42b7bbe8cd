/* What the page does more with a script: filter the failures, and open the one that a link
 * leads to.  No character here needs an escape in XML. */
(function () {
	'use strict';
	var form = document.getElementById('filter');
	var all = Array.prototype.slice.call(document.querySelectorAll('details.finding'));

	function open() {
		var at = document.getElementById(decodeURIComponent(location.hash.slice(1)));

		while (at) {
			if (at.tagName.toLowerCase() === 'details')
				at.open = true;
			at = at.parentElement;
		}
	}

	function matches(finding) {
		return ['device', 'queue', 'area', 'severity', 'cause'].every(function (name) {
			var wanted = form.elements[name].value;
			var values = finding.getAttribute('data-' + name).split(' ');

			return wanted === '' || values.indexOf(wanted) !== -1;
		});
	}

	function filter() {
		var shown = 0;

		all.forEach(function (finding) {
			finding.hidden = !matches(finding);
			shown += finding.hidden ? 0 : 1;
		});
		document.getElementById('shown').textContent = shown + ' of ' + all.length + ' shown';
	}

	window.addEventListener('hashchange', open);
	open();
	if (form) {
		form.hidden = false;
		form.addEventListener('change', filter);
		form.addEventListener('submit', function (event) {
			event.preventDefault();
		});
		filter();
	}
}());
