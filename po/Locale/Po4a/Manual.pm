# SPDX-License-Identifier: GPL-2.0
# A format of po4a: our page of the manual, in mdoc. Copied are commands, the tags of lists, the page's head, paragraphs
# of nothing but macros, and, by its option mdoc, the headings that programs know.
package Locale::Po4a::Manual;

use 5.014;
use strict;
use warnings;

use parent qw(Locale::Po4a::Man);

sub translate {
	my ($self, $text, $ref, $type, %options) = @_;
	$text //= '';
	return $text if ($type // $self->{type} // '') =~ /^(?:Dd|Dt|Os|Dl|It)$/;
	if ($options{wrap}) {
		# So po4a marks a macro in a paragraph.
		return $self->SUPER::translate($text, $ref, $type, %options)
			if $text =~ s/PO4A-INLINE:.*?:PO4A-INLINE//sgr =~ /\w/;
		$text = $self->pre_trans($text, $ref // $self->{ref}, $type);
		$text =~ s/\s*\z/\n/;
		return $self->post_trans($text, $ref // $self->{ref}, $type, 1);
	}
	# A literal display.
	return $text if $text =~ /\n./;
	return $self->SUPER::translate($text, $ref, $type, %options);
}

1;
