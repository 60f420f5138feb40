/* Leaving quickly: the page is emptied and replaced, so that "back" does not lead here. Without JavaScript the link does what it can. */
( function () {
	'use strict';
	var exit = document.getElementById( 'exit' ), last = 0;
	function leave( event ) {
		if ( event ) {
			event.preventDefault();
		}
		document.querySelectorAll( 'form' ).forEach( function ( form ) {
			form.reset();
		} );
		document.body.textContent = '';
		window.location.replace( exit.href );
	}
	exit.addEventListener( 'click', leave );
	document.addEventListener( 'keydown', function ( event ) {
		if ( event.key === 'Escape' ) {
			if ( event.timeStamp - last < 1500 ) {
				leave( event );
			}
			last = event.timeStamp;
		}
	} );
}() );
